using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.Hosting;

/// <summary>A pipeline that runs while the host does: an own one, or a producer of a consecutor.</summary>
/// <param name="title">What it is, for messages.</param>
/// <param name="name">Its name, for scopes of logs.</param>
/// <param name="target">The consecutor that it sends to; null if there is none.</param>
/// <param name="make">Makes the pipeline; it is called once all consecutors are made.</param>
/// <param name="options">The options of its run.</param>
internal sealed class HostedPipeline(string title, string name, string? target, Func<IServiceProvider, HostedUnits, Pipeline> make,
    RunOptions options) : HostedUnit, IHostedPipeline
{
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IServiceProvider? container;
    private Pipeline? pipeline;
    private string? source;                          // tells it from other producers of its consecutor
    private volatile PipelineRun? run;
    private volatile string? superseded;             // by a run of the producer in another host, which goes on

    public override string Title => source is null ? title : $"{title} ({source})";

    public string Name => name;

    public PipelineRun? Run => run;

    public override string Rest => target is null ? "its items in flight are dropped: a pipeline stores nothing"
        : "items that it had not sent are sent after the next start if its source can resume";

    public override IEnumerable<string> Targets => target is null ? [] : [target];

    public override Task Completion => ended.Task;

    public override string? Problem => superseded ?? Failure;

    private string? Failure => run?.Snapshot() is { Status: RunStatus.Failed } ? "It has failed." : null;

    public override UnitProgress? Progress()
        => run?.Snapshot() is { Status: RunStatus.Running } now
            ? new(now.Nodes.Sum(static node => node.In + node.Out + node.Failed + node.Retried), null, UnitProgress.Busy(now)) : null;

    public override void Make(IServiceProvider services) => container = services;

    public override void Wire(HostedUnits units)
    {
        pipeline = make(container!, units);
        if (target is not null && units.InOrder.OfType<HostedPipeline>().Count(unit => unit.Name == name) > 1)
            source = pipeline.Topology.Nodes[0].Name;
    }

    public override async Task StartAsync(CancellationToken cancellation)
    {
        var begun = new TaskCompletionSource<PipelineRun>(TaskCreationOptions.RunContinuationsAsynchronously);
        RunOptions given = ItemLogScope.Add(options, name, container!.GetRequiredService<SluiceSettings>(),
            container!.GetRequiredService<ILoggerFactory>());
        Task<PipelineRun> starting = LaunchAsync(given with { OnStarted = given.OnStarted + begun.SetResult });
        run = await (await Task.WhenAny(starting, begun.Task).ConfigureAwait(false)).ConfigureAwait(false);
        _ = EndAsync(starting);
    }

    public override async Task<bool> StopAsync(TimeSpan? deadline, CancellationToken cancellation)
    {
        if (run is not { } running) return true;
        Task<bool> stop = running.StopAsync(deadline, cancellation);
        await ((Task)stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);       // Completion has the failure
        return stop.IsCompletedSuccessfully && await stop.ConfigureAwait(false);
    }

    // A single-threaded run works on the thread that starts it, for ever if its source is endless: on a thread of its own.
    private Task<PipelineRun> LaunchAsync(RunOptions given)
    {
        var starting = new Task<PipelineRun>(() => pipeline!.Start(given, CancellationToken.None), TaskCreationOptions.LongRunning);
        if (given.Mode == ExecutionMode.SingleThread) starting.Start(TaskScheduler.Default);
        else starting.RunSynchronously(TaskScheduler.Default);
        return starting;
    }

    private async Task EndAsync(Task<PipelineRun> starting)
    {
        try
        {
            PipelineRun running = await starting.ConfigureAwait(false);
            await running.Completion.ConfigureAwait(false);
            ended.TrySetResult();
        }
        catch (OperationCanceledException)
        {
            ended.TrySetResult();
        }
        catch (Exception e) when (SupersededIn(e) is { } end)
        {
            superseded = end.Message;                // it goes on elsewhere: this host has other work
            ended.TrySetResult();
        }
        catch (Exception e)
        {
            ended.TrySetException(e);
        }
    }

    private static ProducerSupersededException? SupersededIn(Exception? failure)
    {
        for (; failure is not null; failure = failure.InnerException)
            if (failure is ProducerSupersededException superseded) return superseded;
        return null;
    }
}
