using System.Security.Cryptography;
using System.Text;
using Framelease.LocalCluster.ApiServer.Bootstrap;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Auth;

/// <summary>Finds out who a bearer token belongs to: one of the fixed identities, or a service account.</summary>
sealed class Authenticator(IReadOnlyList<Identity> identities, ServiceAccountTokens serviceAccounts)
{
    // By hash, so that looking a token up takes the same time however much of it is right.
    readonly Dictionary<string, UserInfo> _fixed = identities.ToDictionary(identity => Hash(identity.Token), identity => identity.User);

    /// <summary>Null when there is no token or it is not valid.</summary>
    public UserInfo? Authenticate(HttpRequest request)
    {
        const string Scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? Review(header[Scheme.Length..].Trim(), [ServiceAccountTokens.ApiAudience])?.User : null;
    }

    /// <summary>The user of a token that is valid for at least one of the audiences, and the audiences for which it is.</summary>
    public (UserInfo User, IReadOnlyList<string> Audiences)? Review(string token, IReadOnlyList<string> audiences)
    {
        if (_fixed.TryGetValue(Hash(token), out var user))
            return audiences.Contains(ServiceAccountTokens.ApiAudience) ? (user, [ServiceAccountTokens.ApiAudience]) : null;
        return serviceAccounts.Review(token, audiences);
    }

    static string Hash(string token) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
