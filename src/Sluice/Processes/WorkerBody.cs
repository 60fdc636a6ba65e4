using Sluice.ChildProcesses;
using Sluice.Diagnostics;
using Sluice.Policies;
using Sluice.Processes;
using Sluice.Topologies;

namespace Sluice;

/// <summary>The body of a worker: a pipe, and the serializers of its items and results.</summary>
/// <remarks>Immutable.</remarks>
public abstract class WorkerBody
{
    private protected WorkerBody() { }

    /// <summary>Makes a body from a pipe.</summary>
    /// <param name="pipe">The pipe. It must not keep or combine items: that would be lost with the worker.</param>
    /// <param name="serializers">The serializers, the same as the stage's (<see cref="ProcessOptions.Serializers"/>); default JSON.</param>
    /// <exception cref="InvalidTopologyException">The pipe keeps or combines items, or has a source of its own.</exception>
    /// <exception cref="PayloadException">An item or result type does not survive serialization.</exception>
    public static WorkerBody Of<TIn, TOut>(Pipe<TIn, TOut> pipe, PayloadSerializers? serializers = null)
    {
        ArgumentNullException.ThrowIfNull(pipe);
        return new WorkerBody<TIn, TOut>(pipe, serializers ?? PayloadSerializers.Json);
    }

    /// <summary>Works until the connection ends.</summary>
    internal abstract Task RunAsync(WorkerLink link);
}

internal sealed class WorkerBody<TIn, TOut> : WorkerBody
{
    private const string Home = "a worker process";

    private readonly Pipeline pipeline;
    private readonly IPayloadSerializer<TIn> items;

    public WorkerBody(Pipe<TIn, TOut> pipe, PayloadSerializers serializers)
    {
        items = serializers.For<TIn>();
        pipeline = pipe.After(new WorkerSource<TIn>(StageOptions.Default)).To(new WorkerSink<TOut>(serializers.For<TOut>()));
        TopologyRecorder drawn = RunBuilder.Draw(pipeline, isFollowed: true, Home);
        TopologyNode[] sources = [.. drawn.Topology.Nodes.Where(node => drawn.Topology.Edges.All(edge => edge.To != node))];
        if (sources.Length != 1 || sources[0].Kind != WorkerSource<TIn>.KindName)
            throw new InvalidTopologyException(
                $"The body begins with {string.Join(", ", sources.Select(node => node.Name))}. It takes its items from the process that "
                    + $"has started it, and from nowhere else.");
    }

    internal override async Task RunAsync(WorkerLink link)
    {
        link.SayHello(TypeNames.ToStore(typeof(TIn)), TypeNames.ToStore(typeof(TOut)));
        var intake = new WorkerIntake<TIn>(link, items);
        var options = new RunOptions
        {
            TrackItems = true,
            Following = new ItemTracking(intake) { Home = Home, IsTraced = Telemetry.IsTraced },
            StopTimeout = ParentConnection.StopGrace
        };
        PipelineRun run = pipeline.Start(options);
        await using (run.ConfigureAwait(false))
        {
            Task receiving = intake.ReceiveAsync();
            Task sending = link.SendAsync();
            await Task.WhenAny(receiving, run.Completion).ConfigureAwait(false);
            if (run.Completion.Exception?.InnerException is { } failure) link.Say(FrameKind.Broken, FailureText.MessageOf(failure));
            else run.Cancel();                       // the parent, which wants the results, is gone
            link.Close();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
