namespace Sluice;

/// <summary>What workers run: a pipe, and how its items and results travel.</summary>
/// <remarks>Immutable.</remarks>
public abstract class WorkerBody
{
    private protected WorkerBody() { }

    /// <summary>A body of a pipe.</summary>
    /// <param name="pipe">What is done with each item. It remembers nothing from item to item, and combines none: a worker that ends would forget that.</param>
    /// <param name="serializers">The same as those of the stage (<see cref="ProcessOptions.Serializers"/>); JSON unless given.</param>
    /// <exception cref="InvalidTopologyException">The pipe remembers or combines items, or has a source of its own.</exception>
    /// <exception cref="PayloadException">An item or a result would not come back from its payload as it was.</exception>
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
            throw new InvalidTopologyException($"The body begins with {string.Join(", ", sources.Select(node => node.Name))}. It takes its items from the process that has started it, and from nowhere else.");
    }

    internal override async Task RunAsync(WorkerLink link)
    {
        link.SayHello(TypeNames.ToStore(typeof(TIn)), TypeNames.ToStore(typeof(TOut)));
        var intake = new WorkerIntake<TIn>(link, items);
        var options = new RunOptions { TrackItems = true, Following = new ItemTracking(intake) { Home = Home }, StopTimeout = Worker.StopGrace };
        PipelineRun run = pipeline.Start(options);
        await using (run.ConfigureAwait(false))
        {
            Task receiving = intake.ReceiveAsync();
            Task sending = link.SendAsync();
            await Task.WhenAny(receiving, run.Completion).ConfigureAwait(false);
            if (run.Completion.Exception?.InnerException is { } failure) link.Say(FrameKind.Broken, failure.Message);
            else run.Cancel();                       // whoever would want the results has gone
            link.Close();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await run.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
