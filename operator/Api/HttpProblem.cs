using System.Text.Json;
using Framelease.Kubernetes.Client;
using Framelease.ObjectStorage;
using Framelease.Operator.Ledger;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.Api;

/// <summary>An answer of RFC 9457 problem details. The one place where errors become HTTP statuses.</summary>
sealed class HttpProblem(int status, string reason, string detail) : Exception(detail)
{
    public int Status { get; } = status;

    public string Reason { get; } = reason;

    /// <returns>Null when nobody is left to answer.</returns>
    public static HttpProblem? From(Exception error) => error switch
    {
        OperationCanceledException => null,
        HttpProblem p => p,
        LedgerUnavailableException => new(503, "Unavailable", "the database cannot be reached now; try again"),
        LeadershipLostException => new(503, "Unavailable", "this replica is starting over; try again"),
        LedgerConflictException => new(503, "Unavailable", "too many writers at once; try again"),
        KubernetesException { IsTransient: true } => new(503, "Unavailable", "the Kubernetes API cannot be reached now; try again"),
        ObjectStoreException { Error: ObjectStoreError.NoSpace } => new(507, "NoSpace", "the object store is full"),
        ObjectStoreException { Error: ObjectStoreError.NotFound } e => new(404, "NotFound", e.Message),
        ObjectStoreException { Error: ObjectStoreError.PreconditionFailed } e => new(412, "PreconditionFailed", e.Message),
        ObjectStoreException { Error: ObjectStoreError.InvalidKey } e => new(400, "Invalid", e.Message),
        ObjectStoreException { Error: ObjectStoreError.TooLarge } e => new(413, "TooLarge", e.Message),
        ObjectStoreException { Error: ObjectStoreError.AccessDenied } e => new(403, "Forbidden", e.Message),
        ObjectStoreException { Error: ObjectStoreError.ChecksumMismatch } e => new(400, "ChecksumMismatch", e.Message),
        ObjectStoreException { Error: ObjectStoreError.RangeNotSatisfiable } e => new(416, "RangeNotSatisfiable", e.Message),
        ObjectStoreException => new(503, "Unavailable", "the object store cannot be reached now; try again"),
        BadHttpRequestException e => new(e.StatusCode, "Invalid", e.Message),
        _ => new(500, "Internal", "an unexpected error; the operator's log has it"),
    };

    public async Task WriteAsync(HttpContext context)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = Status;
        context.Response.ContentType = "application/problem+json";
        if (Status is 429 or 503)
            context.Response.Headers.RetryAfter = "1";
        var body = new Problem(null, Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(Status), Status, Message, Reason);
        await JsonSerializer.SerializeAsync(context.Response.Body, body, ProtocolJson.Default.Problem, context.RequestAborted);
    }
}
