using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Auth;

/// <summary>Who a token belongs to.</summary>
sealed record UserInfo(string Name, string Uid, IReadOnlyList<string> Groups, IReadOnlyDictionary<string, string> Extra)
{
    public const string Authenticated = "system:authenticated";
    public const string Masters = "system:masters";

    public static readonly UserInfo Anonymous = new("system:anonymous", "", ["system:unauthenticated"], new Dictionary<string, string>());

    /// <summary>As <c>TokenReview</c> and <c>SelfSubjectReview</c> show it.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["username"] = Name };
        if (Uid.Length > 0)
            json["uid"] = Uid;
        json["groups"] = new JsonArray([.. Groups.Select(group => JsonValue.Create(group))]);
        if (Extra.Count > 0)
            json["extra"] = new JsonObject(Extra.Select(pair => new KeyValuePair<string, JsonNode?>(pair.Key, new JsonArray(pair.Value))));
        return json;
    }
}
