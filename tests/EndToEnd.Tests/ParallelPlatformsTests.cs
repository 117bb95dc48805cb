using System.Text.Json.Nodes;
using Framelease.EndToEnd.Tests.Support;

namespace Framelease.EndToEnd.Tests;

/// <summary>Two platforms on one machine know nothing of each other.</summary>
public sealed class ParallelPlatformsTests
{
    [Fact]
    public async Task Two_platforms_started_together_do_not_collide()
    {
        var platforms = new[] { new Platform(), new Platform() };
        try
        {
            await Task.WhenAll(platforms.Select(p => p.InitializeAsync()));
            var tasks = await Task.WhenAll(platforms.Select(async platform =>
            {
                await platform.UploadAsync(Clips.Short, "inputs/short.mp4");
                return await platform.EndedAsync(await platform.SubmitAsync(new JsonObject { ["parameters"] = new JsonObject { ["height"] = 90 } }));
            }));

            tasks.ShouldAllBe(task => task.Succeeded);
            tasks[0].Output!.Uri.ShouldNotBe(tasks[1].Output!.Uri);
        }
        finally
        {
            await Task.WhenAll(platforms.Select(p => p.DisposeAsync()));
        }
    }
}
