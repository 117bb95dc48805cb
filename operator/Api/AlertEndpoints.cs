using System.Text.Json.Serialization;
using Framelease.Operator.Notifications;

namespace Framelease.Operator.Api;

/// <summary>
/// <c>/api/v1/monitoring/alerts</c>: what is wrong now, who was told, and who cares for it. Handling one needs a right of its own: verb
/// <c>handle</c> on
/// <c>alerts</c> of our API group.
/// </summary>
static class AlertEndpoints
{
    const int LongestNote = 512;

    public static void Map(ApiRoutes api, AlertBook alerts, Authorizer authorizer)
    {
        api.Get("/api/v1/monitoring/alerts", "What is wrong now", AlertJson.Default.PageAlert, async (context, cancel) =>
        {
            await authorizer.RequireAsync(context, "list", "gpuleases", null, null, cancel);
            return new Page<Alert>(await alerts.ReadAsync(cancel), null);
        });
        api.Post(
            "/api/v1/monitoring/alerts/handle", "Say that you care for an alert: nobody further is told", AlertJson.Default.HandleRequest,
            AlertJson.Default.Alert, async (context, request, cancel) =>
            {
                var user = await authorizer.RequireAsync(context, "handle", "alerts", null, null, cancel);
                if (request.Key is not { Length: > 0 and <= 512 })
                    throw new HttpProblem(400, "Invalid", "key: an alert's key, as GET /api/v1/monitoring/alerts shows it");
                if (request.Note?.Length > LongestNote)
                    throw new HttpProblem(400, "Invalid", $"note: at most {LongestNote} characters");
                return await alerts.HandleAsync(request.Key, user, request.Note, cancel)
                    ?? throw new HttpProblem(404, "NotFound", $"there is no alert \"{request.Key}\" now");
            });
    }
}

/// <param name="Key">NAME/SUBJECT.</param>
sealed record HandleRequest(string Key, string? Note);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UseStringEnumConverter = true)]
[JsonSerializable(typeof(Page<Alert>))]
[JsonSerializable(typeof(HandleRequest))]
[JsonSerializable(typeof(Alert))]
sealed partial class AlertJson : JsonSerializerContext;
