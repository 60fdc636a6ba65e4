using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Diagnostics;

namespace Sluice.Hosting.Tests;

/// <summary>A single-threaded pipeline works on the thread that starts it, and that is not the one that starts the host.</summary>
public sealed class SingleThreadedPipelineTests : IDisposable
{
    // In real time: only a call that hangs takes that long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly RunOptions SingleThread = new() { Mode = ExecutionMode.SingleThread };
    private volatile bool isOver;
    private long seen;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => isOver = true;

    [Fact]
    public async Task AnEndlessOneLetsTheHostStartAndStops()
    {
        PipelineRun? started = null;
        using IHost host = Build(sluice => sluice.AddPipeline("numbers", _ => Source.From(Numbers()) | Count,
            SingleThread with { OnStarted = run => started = run }));
        await Task.Run(() => host.StartAsync(Cancellation), Cancellation).WaitAsync(Patience, Cancellation);
        PipelineRun run = Assert.Single(host.Services.GetServices<IHostedPipeline>()).Run!;
        Assert.Same(started, run);
        while (Volatile.Read(ref seen) < 10_000) await Task.Yield();
        await host.StopAsync(Cancellation).WaitAsync(Patience, Cancellation);
        await run.Completion.WaitAsync(Patience, Cancellation);
        Assert.Equal(RunStatus.Completed, run.Snapshot().Status);
    }

    [Fact]
    public async Task OneThatCannotStartStopsTheStart()
    {
        using IHost host = Build(static sluice => sluice.AddPipeline("bad", static _ => Source.From([1]) | (static _ => { }),
            SingleThread with { Outputs = ["nowhere"] }));
        var mistake = await Assert.ThrowsAsync<ArgumentException>(() => host.StartAsync(Cancellation));
        Assert.Contains("'nowhere'", mistake.Message, StringComparison.Ordinal);
    }

    private IEnumerable<long> Numbers()
    {
        for (long number = 0; !isOver; number++) yield return number;
    }

    private void Count(long number) => Volatile.Write(ref seen, number);

    private static IHost Build(Action<SluiceBuilder> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        add(builder.Services.AddSluice(static sluice => sluice.UseMemory()));
        return builder.Build();
    }
}
