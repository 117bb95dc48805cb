using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Bootstrap;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Auth;

/// <summary>
/// Signs and checks service account tokens (JWT, ES256) with a key of the data directory. A token is worth nothing once its
/// service account, or the pod that it is bound to, is gone or has another uid.
/// </summary>
sealed class ServiceAccountTokens : IDisposable
{
    public const string ApiAudience = "https://kubernetes.default.svc.cluster.local";
    const string Issuer = ApiAudience;
    const int MaxTokenLength = 16 * 1024;

    // One key object must not be used by two threads at once.
    readonly Lock _lock = new();
    readonly ECDsa _key;
    readonly ObjectStore _store;
    readonly TimeProvider _time;
    readonly Func<Guid> _newId;

    ServiceAccountTokens(ECDsa key, ObjectStore store, TimeProvider time, Func<Guid> newId)
    {
        _key = key;
        _store = store;
        _time = time;
        _newId = newId;
    }

    public static ServiceAccountTokens LoadOrCreate(DataDirectory directory, ObjectStore store, TimeProvider time, Func<Guid> newId)
    {
        var path = directory.File("sa.key");
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (File.Exists(path))
            key.ImportFromPem(File.ReadAllText(path));
        else
            DataDirectory.WritePrivate(path, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        return new ServiceAccountTokens(key, store, time, newId);
    }

    /// <summary>A token for a service account, bound to a pod when one is given.</summary>
    public (string Token, DateTimeOffset Expires) Issue(StoredObject account, StoredObject? pod, IReadOnlyList<string> audiences, TimeSpan lifetime)
    {
        var now = _time.GetUtcNow();
        var expires = now + lifetime;
        var kubernetes = new JsonObject { ["namespace"] = account.Key.Namespace };
        if (pod is not null)
            kubernetes["pod"] = Reference(pod);
        kubernetes["serviceaccount"] = Reference(account);
        var claims = new JsonObject
        {
            ["aud"] = new JsonArray([.. audiences.Select(audience => JsonValue.Create(audience))]),
            ["exp"] = expires.ToUnixTimeSeconds(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["iss"] = Issuer,
            ["jti"] = _newId().ToString("D"),
            ["kubernetes.io"] = kubernetes,
            ["nbf"] = now.ToUnixTimeSeconds(),
            ["sub"] = $"system:serviceaccount:{account.Key.Namespace}:{account.Key.Name}",
        };
        var head = $"{Base64Url.EncodeToString("{\"alg\":\"ES256\",\"typ\":\"JWT\"}"u8)}.{Base64Url.EncodeToString(JsonWriting.ToUtf8(claims))}";
        lock (_lock)
            return ($"{head}.{Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(head), HashAlgorithmName.SHA256))}", expires);
    }

    public (UserInfo User, IReadOnlyList<string> Audiences)? Review(string token, IReadOnlyList<string> audiences)
    {
        if (ReadSigned(token) is not { } claims || claims.Str("iss") != Issuer)
            return null;
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        if (claims.Int("exp") is not { } expires || now >= expires || claims.Int("nbf") > now)
            return null;
        var accepted = claims.Arr("aud").Strings().Intersect(audiences).ToList();
        var bound = claims.Obj("kubernetes.io");
        var ns = bound.Str("namespace") ?? "";
        if (accepted.Count == 0 || !Exists("serviceaccounts", ns, bound.Obj("serviceaccount")))
            return null;
        var pod = bound.Obj("pod");
        if (pod is not null && !Exists("pods", ns, pod))
            return null;
        return (User(ns, bound.Obj("serviceaccount")!, pod), accepted);
    }

    static UserInfo User(string ns, JsonObject account, JsonObject? pod)
    {
        var extra = new Dictionary<string, string>();
        if (pod is not null)
        {
            extra["authentication.kubernetes.io/pod-name"] = pod.Str("name") ?? "";
            extra["authentication.kubernetes.io/pod-uid"] = pod.Str("uid") ?? "";
        }

        return new UserInfo($"system:serviceaccount:{ns}:{account.Str("name")}", account.Str("uid") ?? "",
            ["system:serviceaccounts", $"system:serviceaccounts:{ns}", UserInfo.Authenticated], extra);
    }

    JsonObject? ReadSigned(string token)
    {
        if (token.Length > MaxTokenLength || token.Split('.') is not [var head, var body, var signature])
            return null;
        try
        {
            var (signed, proof) = (Encoding.ASCII.GetBytes($"{head}.{body}"), Base64Url.DecodeFromChars(signature));
            bool isValid;
            lock (_lock)
                isValid = _key.VerifyData(signed, proof, HashAlgorithmName.SHA256);
            return isValid ? JsonReading.ParseObject(Base64Url.DecodeFromChars(body)) : null;
        }
        catch (Exception error) when (error is FormatException or JsonException)
        {
            return null;
        }
    }

    bool Exists(string resource, string ns, JsonObject? reference) =>
        _store.State.Find(resource, new ObjectKey(ns, reference.Str("name") ?? "")) is { } item && item.Header.Uid == reference.Str("uid");

    static JsonObject Reference(StoredObject item) => new() { ["name"] = item.Key.Name, ["uid"] = item.Header.Uid };

    public void Dispose() => _key.Dispose();
}
