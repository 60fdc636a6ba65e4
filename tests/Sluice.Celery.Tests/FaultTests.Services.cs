using System.Threading.Channels;
using Sluice.Redis;
using Sluice.Redis.Tests;

namespace Sluice.Celery.Tests;

/// <content>Services that are killed while their workers live.</content>
public abstract partial class FaultTests
{
    private const string Program = "../../Sluice.Programs/release/Sluice.Programs.dll";

    [Fact]
    public async Task AServiceThatIsKilledLeavesNoWorkerHangingAndTheNextOneGoesOn()
    {
        string queue = NewQueue(), file = Path.Combine(Path.GetTempPath(), $"once-{Guid.NewGuid():N}");
        await using RedisServer server = await RedisServer.StartAsync();
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address);
        await using var own = Supervisor.Attach(store, new() { Name = "own" });                // hosts nothing: feeds and reads
        await using CeleryWorker worker = await CeleryWorker.StartAsync(workers.Url, queue, null, "-c", "1");    // one that hung would show
        Channel<string> lines = Channel.CreateUnbounded<string>();
        await using FlowRun run = await own.StartAsync(Flow.From(Lab.NewCopy()).Resolve(),
            [IOVal.Stream("line", lines.Reader.ReadAllAsync(Lab.Cancellation))], cancellation: Lab.Cancellation);
        IAsyncEnumerator<string> copies = run.Output<string>("copy").StreamAsync(Lab.Cancellation).GetAsyncEnumerator(Lab.Cancellation);

        await using (OwnedProcess first = await StartServiceAsync(server, queue))
        {
            await CopyAsync("a");
            await first.KillAsync();                 // while the function waits
        }
        await worker.Process.SaysAsync("the service has gone, or needs the processor no more");
        await using (OwnedProcess second = await StartServiceAsync(server, queue))
        {
            await CopyAsync("b");
            await lines.Writer.WriteAsync($"once {file} block");
            await worker.Process.SaysAsync("begins to once");
            await second.KillAsync();                // while the function hears nothing
        }
        await worker.Process.SaysAsync("Its process ends.");
        await using OwnedProcess third = await StartServiceAsync(server, queue);
        await NextAsync($"once {file} block");
        await CopyAsync("c");
        lines.Writer.Complete();

        Assert.False(await copies.MoveNextAsync());
        await copies.DisposeAsync();
        await run.Completion.WaitAsync(Lab.Patience, Lab.Cancellation);
        File.Delete(file);

        async Task CopyAsync(string line)
        {
            await lines.Writer.WriteAsync(line);
            await NextAsync(line);
        }

        async Task NextAsync(string line)
        {
            Assert.True(await copies.MoveNextAsync().AsTask().WaitAsync(Lab.Patience, Lab.Cancellation));
            Assert.Equal(line, copies.Current);
        }
    }

    private async Task<OwnedProcess> StartServiceAsync(RedisServer server, string queue)
    {
        OwnedProcess service = await OwnedProcess.StartAsync(AppContext.BaseDirectory, new Dictionary<string, string>(), "dotnet",
            Path.Combine(AppContext.BaseDirectory, Program), "celery", server.Address, workers.Url, queue);
        await service.SaysAsync("hosts copy");
        return service;
    }
}
