using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Auth;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Bootstrap;

/// <summary>The fixed users of the cluster, each with a random token that the data directory keeps.</summary>
sealed record Identity(string Id, UserInfo User, string Token);

static class Identities
{
    const int TokenBytes = 32;

    static readonly (string Id, string User, string[] Groups)[] Table =
    [
        ("admin", "kubernetes-admin", [UserInfo.Masters, UserInfo.Authenticated]),
        ("node", "system:node:local", ["system:nodes", UserInfo.Authenticated]),
        ("operator", "system:serviceaccount:framelease-system:framelease-operator",
            ["system:serviceaccounts", "system:serviceaccounts:framelease-system", UserInfo.Authenticated]),
    ];

    public static IReadOnlyList<Identity> LoadOrCreate(DataDirectory directory)
    {
        var path = directory.File("tokens.json");
        var tokens = File.Exists(path) ? JsonReading.ParseObject(File.ReadAllBytes(path)) : [];
        var known = tokens.Count;
        foreach (var (id, _, _) in Table)
            tokens[id] ??= Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        if (tokens.Count != known)
            DataDirectory.WritePrivate(path, JsonWriting.ToUtf8(tokens));
        return [.. Table.Select(row =>
            new Identity(row.Id, new UserInfo(row.User, "", row.Groups, new Dictionary<string, string>()), tokens.Str(row.Id)!))];
    }

    /// <summary>A kubeconfig for stock kubectl and for our own client; JSON is YAML, but people read this file.</summary>
    public static byte[] Kubeconfig(Identity identity, string server, string authorityPem) => Encoding.UTF8.GetBytes($"""
        apiVersion: v1
        kind: Config
        clusters:
        - name: framelease
          cluster:
            server: {server}
            certificate-authority-data: {Convert.ToBase64String(Encoding.ASCII.GetBytes(authorityPem))}
        users:
        - name: {identity.Id}
          user:
            token: {identity.Token}
        contexts:
        - name: framelease
          context:
            cluster: framelease
            user: {identity.Id}
            namespace: default
        current-context: framelease

        """);
}
