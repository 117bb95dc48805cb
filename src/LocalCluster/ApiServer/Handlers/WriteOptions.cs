using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

enum FieldValidation
{
    Ignore,
    Warn,
    Strict,
}

/// <summary>How a write is to be made, and the warnings that its answer will carry.</summary>
sealed class WriteOptions
{
    const int MaxManager = 128;

    /// <summary>The writes of the loops that live in this process.</summary>
    public const string OwnManager = "framelease-localcluster";

    public bool DryRun { get; init; }

    /// <summary>Who comes to own the fields that are written.</summary>
    public string Manager { get; init; } = OwnManager;

    /// <summary>The path through which an object is written, other than its own and its status.</summary>
    public string Subresource { get; init; } = "";

    /// <summary>An apply takes fields from their owners instead of being refused.</summary>
    public bool Force { get; init; }

    /// <summary>What happens to unknown and duplicate fields.</summary>
    public FieldValidation Validation { get; init; } = FieldValidation.Ignore;

    /// <summary>The patch as it was sent, whose problems are the patch's; empty for whole objects.</summary>
    public string Patch { get; set; } = "";

    /// <summary>Paths of keys that the request body had twice.</summary>
    public List<string> Duplicates { get; } = [];

    public List<string> Warnings { get; } = [];

    public static WriteOptions From(HttpRequest request, string subresource = "") => new()
    {
        Subresource = subresource,
        DryRun = ParseDryRun(request.Query["dryRun"]!),
        Manager = ParseManager(request),
        Force = request.Query["force"].ToString() is "true" or "1" or "True",
        Validation = request.Query["fieldValidation"].ToString() switch
        {
            "" or "Warn" => FieldValidation.Warn,
            "Ignore" => FieldValidation.Ignore,
            "Strict" => FieldValidation.Strict,
            var other => throw ApiErrors.BadRequest(
                $"fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Warn\", \"Strict\""),
        },
    };

    /// <summary>The manager that the request names, else the program that sends it.</summary>
    static string ParseManager(HttpRequest request)
    {
        var named = request.Query["fieldManager"].ToString();
        if (named.Length > MaxManager)
            throw Invalid(request, FieldError.TooLong("fieldManager", MaxManager));
        if (named.Any(char.IsControl))
            throw Invalid(request, FieldError.Invalid("fieldManager", JsonValue.Create(named), "should only contain printable characters"));
        if (named.Length > 0)
            return named;
        var agent = request.Headers.UserAgent.ToString().Split('/')[0];
        var program = string.Concat(agent.Where(c => !char.IsControl(c)).Take(MaxManager));
        return program.Length > 0 ? program : "unknown";
    }

    /// <summary>422 about the query itself.</summary>
    public static ApiException Invalid(HttpRequest request, FieldError error) =>
        Invalid(request.Method switch { "POST" => "CreateOptions", "PUT" => "UpdateOptions", _ => "PatchOptions" }, error);

    public static ApiException Invalid(string kind, FieldError error) =>
        new(422, "Invalid", $"{kind}.meta.k8s.io \"\" is invalid: {error}", new JsonObject
        {
            ["group"] = "meta.k8s.io",
            ["kind"] = kind,
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = error.Reason, ["message"] = error.Detail, ["field"] = error.Field }),
        });

    public static bool ParseDryRun(string?[] values) => values switch
    {
        [] or [""] or [null] => false,
        ["All"] => true,
        _ => throw ApiErrors.BadRequest($"dryRun: Unsupported value: \"{string.Join(",", values)}\": supported values: \"All\""),
    };
}
