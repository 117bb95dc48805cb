using Framelease.LocalCluster.ApiServer.Auth;
using Framelease.LocalCluster.ApiServer.Discovery;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Registry;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Every request enters here: who is it, may they, which handler; every failure leaves here as a Status.</summary>
sealed class Dispatcher(
    Authenticator authenticator,
    ResourceRegistry registry,
    ResourceHandler resources,
    SubresourceHandler subresources,
    ScaleHandler scales,
    ReviewHandler reviews,
    DiscoveryHandler discovery,
    ILogger log)
{
    public async Task HandleAsync(HttpContext context)
    {
        var user = UserInfo.Anonymous;
        try
        {
            if (await HealthHandler.TryHandleAsync(context))
                return;
            user = authenticator.Authenticate(context.Request) ?? throw ApiErrors.Unauthorized();
            await RouteAsync(context, user);
        }
        catch (ApiException error)
        {
            await FailAsync(context, error);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; nobody waits for an answer.
        }
        catch (BadHttpRequestException error)
        {
            await FailAsync(context, error.StatusCode == 413 ? ApiErrors.TooLarge(RequestBody.Limit) : ApiErrors.BadRequest(error.Message));
        }
        catch (Exception error)
        {
            Log.RequestFailed(log, context.Request.Method, context.Request.Path, error);
            await FailAsync(context, ApiErrors.InternalError(error.Message));
        }

        if (log.IsEnabled(LogLevel.Debug))
            Log.Request(log, context.Request.Method, context.Request.Path, context.Response.StatusCode, user.Name);
    }

    async Task RouteAsync(HttpContext context, UserInfo user)
    {
        if (await discovery.TryHandleAsync(context))
            return;
        var request = RequestInfo.Parse(context.Request.Path.Value ?? "") ?? throw ApiErrors.NoSuchPath();
        var type = registry.Table.Find(request.Group, request.Version, request.Plural) ?? throw ApiErrors.NoSuchPath();
        Authorizer.Demand(user, context.Request, request, type);
        if (await reviews.TryHandleAsync(context, request, type, user)
            || await subresources.TryHandleAsync(context, request, type)
            || await scales.TryHandleAsync(context, request, type))
        {
            return;
        }

        if (request.Subresource is not ("" or "status"))
            throw ApiErrors.NoSuchPath();
        await resources.HandleAsync(context, request, type);
    }

    static Task FailAsync(HttpContext context, ApiException error)
    {
        if (!context.Response.HasStarted)
            return ApiResponse.WriteErrorAsync(context, error);
        // Half an answer must not look like a whole one.
        context.Abort();
        return Task.CompletedTask;
    }
}
