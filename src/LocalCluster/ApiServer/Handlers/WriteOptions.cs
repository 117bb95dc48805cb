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
    public bool DryRun { get; init; }

    /// <summary>What happens to unknown and duplicate fields.</summary>
    public FieldValidation Validation { get; init; } = FieldValidation.Ignore;

    /// <summary>Paths of keys that the request body had twice.</summary>
    public List<string> Duplicates { get; } = [];

    public List<string> Warnings { get; } = [];

    public static WriteOptions From(HttpRequest request) => new()
    {
        DryRun = ParseDryRun(request.Query["dryRun"]!),
        Validation = request.Query["fieldValidation"].ToString() switch
        {
            "" or "Warn" => FieldValidation.Warn,
            "Ignore" => FieldValidation.Ignore,
            "Strict" => FieldValidation.Strict,
            var other => throw ApiErrors.BadRequest(
                $"fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Warn\", \"Strict\""),
        },
    };

    public static bool ParseDryRun(string?[] values) => values switch
    {
        [] or [""] or [null] => false,
        ["All"] => true,
        _ => throw ApiErrors.BadRequest($"dryRun: Unsupported value: \"{string.Join(",", values)}\": supported values: \"All\""),
    };
}
