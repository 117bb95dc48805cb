using System.Text.Json.Serialization.Metadata;
using System.Threading.RateLimiting;

namespace Framelease.Operator.Api;

/// <summary>
/// How every route of /api/v1 is mapped: a bounded number at a time, so that dashboards never take the database away from workers; errors
/// as problem details; and described, so that the OpenAPI document is made of the routes themselves.
/// </summary>
sealed class ApiRoutes(IEndpointRouteBuilder routes, ILogger logger)
{
    /// <summary>Requests that may be under way at once on a replica: half of the smallest pool of connections.</summary>
    const int AtOnce = 5;

    /// <summary>Requests that may wait for their turn; more are refused with 429.</summary>
    const int Waiting = 200;

    // Lives as long as the process, as the routes do.
    readonly ConcurrencyLimiter _limiter = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = AtOnce, QueueLimit = Waiting, QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    readonly List<ApiOperation> _operations = [];

    /// <summary>Everything that was mapped so far.</summary>
    public IReadOnlyList<ApiOperation> Operations => _operations;

    /// <summary>A GET that answers JSON, with an ETag.</summary>
    public void Get<T>(
        string pattern, string summary, JsonTypeInfo<T> type, Func<HttpContext, CancellationToken, Task<T>> read,
            params QueryParameter[] query)
    {
        _operations.Add(new ApiOperation("get", pattern, summary, null, type, query));
        routes.MapGet(pattern, context => AnswerAsync(context, type, read));
    }

    /// <summary>A POST of JSON that answers JSON.</summary>
    /// <param name="creates">It may answer 201, which it sets itself.</param>
    /// <param name="mostBytes">Of the request's body.</param>
    public void Post<TRequest, T>(
        string pattern, string summary, JsonTypeInfo<TRequest> request, JsonTypeInfo<T> type,
        Func<HttpContext, TRequest, CancellationToken, Task<T>> act, bool creates = false,
        long mostBytes = JsonRoute.MaxBody)
    {
        _operations.Add(new ApiOperation("post", pattern, summary, request, type, []) { Creates = creates });
        routes.MapPost(pattern, context => AnswerAsync(
            context, type, async (c, cancel) => await act(c, await JsonRoute.ReadAsync(c, request, cancel, mostBytes), cancel)));
    }

    /// <summary>A POST without a body: what it does is in its path.</summary>
    public void Post<T>(string pattern, string summary, JsonTypeInfo<T> type, Func<HttpContext, CancellationToken, Task<T>> act, params QueryParameter[] query)
    {
        _operations.Add(new ApiOperation("post", pattern, summary, null, type, query));
        routes.MapPost(pattern, context => AnswerAsync(context, type, act));
    }

    /// <summary>A GET that streams events for as long as its caller listens; it bounds itself.</summary>
    public void Stream(string pattern, string summary, Func<HttpContext, CancellationToken, Task> write, params QueryParameter[] query)
    {
        _operations.Add(new ApiOperation("get", pattern, summary, null, null, query));
        routes.MapGet(pattern, context => JsonRoute.AnswerAsync(context, logger, cancel => write(context, cancel)));
    }

    Task AnswerAsync<T>(HttpContext context, JsonTypeInfo<T> type, Func<HttpContext, CancellationToken, Task<T>> work) =>
        JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            using var turn = await _limiter.AcquireAsync(1, cancel);
            if (!turn.IsAcquired)
                throw new HttpProblem(429, "TooManyRequests",
                    $"{AtOnce + Waiting} requests are under way on this replica already; try again");
            await JsonRoute.WriteAsync(context, await work(context, cancel), type, cancel);
        });
}

/// <summary>What a route takes and answers.</summary>
/// <param name="Response">Null = server-sent events.</param>
sealed record ApiOperation(
    string Method, string Pattern, string Summary, JsonTypeInfo? Request, JsonTypeInfo? Response, IReadOnlyList<QueryParameter> Query)
{
    /// <summary>201 says that something was made, 200 that it was there already.</summary>
    public bool Creates { get; init; }
}

/// <param name="Type">string or integer.</param>
sealed record QueryParameter(string Name, string Description, string Type = "string");
