using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Selectors;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>The query of list, watch and deletecollection.</summary>
sealed record ListOptions
{
    public LabelSelector Labels { get; init; } = LabelSelector.Everything;
    public FieldSelector Fields { get; init; } = FieldSelector.Everything;
    public bool Watch { get; init; }

    /// <summary>As given: empty, "0" or a revision.</summary>
    public string ResourceVersion { get; init; } = "";
    public string Match { get; init; } = "";
    public long Limit { get; init; }
    public string Continue { get; init; } = "";
    public bool Bookmarks { get; init; }
    public bool SendInitialEvents { get; init; }
    public TimeSpan? Timeout { get; init; }

    public static ListOptions From(HttpRequest request, ResourceType type, string name)
    {
        var query = request.Query;
        var fields = query["fieldSelector"].ToString();
        if (name.Length > 0)
            fields = fields.Length == 0 ? $"metadata.name={name}" : $"{fields},metadata.name={name}";
        var options = new ListOptions
        {
            Labels = LabelSelector.Parse(query["labelSelector"]),
            Fields = FieldSelector.Parse(fields, type),
            Watch = Flag(query["watch"].ToString()),
            ResourceVersion = query["resourceVersion"].ToString(),
            Match = query["resourceVersionMatch"].ToString(),
            Limit = Number(query["limit"].ToString(), "limit"),
            Continue = query["continue"].ToString(),
            Bookmarks = Flag(query["allowWatchBookmarks"].ToString()),
            SendInitialEvents = Flag(query["sendInitialEvents"].ToString()),
            Timeout = Number(query["timeoutSeconds"].ToString(), "timeoutSeconds") is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : null,
        };
        if (options.Problem(query.ContainsKey("sendInitialEvents")) is { } problem)
            throw WriteOptions.Invalid("ListOptions", problem);
        if (options.Continue.Length > 0 && options.ResourceVersion is not ("" or "0"))
            throw ApiErrors.BadRequest("specifying resource version is not allowed when using continue");
        return options;
    }

    /// <summary>Combinations that mean nothing are refused, so that nobody takes an answer for another one.</summary>
    FieldError? Problem(bool saysInitial)
    {
        const string Name = "resourceVersionMatch";
        if (saysInitial && !Watch)
            return FieldError.Forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
        if (saysInitial && Match != "NotOlderThan")
            return FieldError.Forbidden(Name, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        if (Match.Length == 0)
            return null;
        if (Continue.Length > 0)
            return FieldError.Forbidden(Name, "resourceVersionMatch is forbidden when continue is provided");
        if (Watch)
            return saysInitial ? null : FieldError.Forbidden(Name,
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        if (ResourceVersion.Length == 0)
            return FieldError.Forbidden(Name, "resourceVersionMatch is forbidden unless resourceVersion is provided");
        if (Match is not ("Exact" or "NotOlderThan"))
            return FieldError.NotSupported(Name, Match, ["Exact", "NotOlderThan"]);
        return Match == "Exact" && ResourceVersion == "0"
            ? FieldError.Forbidden(Name, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"") : null;
    }

    public bool Matches(StoredObject item) => Labels.Matches(item.Header) && Fields.Matches(item);

    public bool SelectsAll => Labels.Requirements.Count == 0 && Fields.Requirements.Count == 0;

    /// <summary>The revision that <see cref="ResourceVersion"/> names; null for "any".</summary>
    public long? ParseRevision()
    {
        if (ResourceVersion is "" or "0")
            return null;
        return long.TryParse(ResourceVersion, out var revision) && revision > 0 ? revision
            : throw ApiErrors.BadRequest($"invalid resource version: resourceVersion: Invalid value: \"{ResourceVersion}\": must be a non-negative integer");
    }

    static bool Flag(string text) => text is "true" or "1" or "True";

    static long Number(string text, string name) => text.Length == 0 ? 0
        : long.TryParse(text, out var number) && number >= 0 ? number
        : throw ApiErrors.BadRequest($"{name}: \"{text}\" is not a non-negative number");
}
