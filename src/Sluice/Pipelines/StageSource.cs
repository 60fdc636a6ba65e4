using Sluice.Policies;
using Sluice.Topologies;

namespace Sluice.Pipelines;

/// <summary>A source and one stage behind it.</summary>
internal sealed class StageSource<TIn, TOut> : Source<TOut>
{
    private readonly Source<TIn> upstream;
    private readonly Operator<TIn, TOut> stage;
    private readonly StageOptions options;

    /// <exception cref="InvalidOperationException">The source runs the next stage in lanes, but the stage allows one instance
    /// only.</exception>
    public StageSource(Source<TIn> upstream, Operator<TIn, TOut> stage, StageOptions options)
    {
        (this.upstream, this.stage, this.options) = (upstream, stage, options);
        if (upstream is KeyedSource<TIn> && stage.Exclusive is { } why)
            throw new InvalidOperationException(
                $"Stage.KeyBy does not fit here: a {stage.Kind} {why}, and every lane would have one of its own. "
                    + "KeyBy stands before the stage that works by key: put that stage in between, or leave KeyBy out.");
    }

    internal override bool CrossesThreads => upstream.CrossesThreads || options.CrossesThreads || stage.IsTimed
        || upstream is KeyedSource<TIn>;

    internal override bool IsUnordered => upstream.IsUnordered || options is { Parallel: > 1, Ordered: false }
        || upstream is KeyedSource<TIn>;

    internal override Source<TOut> Annotate(StagePolicy policy)
        => new StageSource<TIn, TOut>(upstream, stage,
        policy.Apply(options, StageTraits.Of(stage) with { IsKeyed = upstream is KeyedSource<TIn> }));

    internal override Source<TOut> Rewrite(Rewriter rewriter)
        => rewriter.Rewrite(upstream, before => new StageSource<TIn, TOut>(before, stage, options));

    internal override void Build(RunBuilder builder, Inlet<TOut> next)
    {
        if (builder.Following is { Home: ItemTracking.Consecutor } && upstream is KeyedSource<TIn> && stage.StoredByKey is { } byKey)
        {
            new StageSource<TIn, TOut>(upstream, byKey, options).Build(builder, next);
            return;
        }
        if (stage.EndsItems && typeof(TOut) != typeof(Unit)) builder.CheckParts(stage.Kind);
        if (stage.HasTimers) builder.CheckParts("node with timers");
        if (options.Bisects) builder.CheckDivides(stage.Kind);
        if (stage.IsOneInstance) builder.CheckInstances(stage.Hint);
        // Check asks a node's factory for an instance.
        if (builder.Following is not null) builder.Check(stage.Kind, stage.Forgets, stage.Hint, isByKey: upstream is KeyedSource<TIn>
            && stage.IsByKey);
        if (builder.Following is not null && stage.KeepsState)
        {
            builder.KeepsState(stage.Kind, stage.Hint, options.Name, typeof(TOut), stage.IsTimed, upstream is KeyedSource<TIn>
                && stage.Remembers, upstream is KeyedSource<TIn> ? stage.Shape with { IsByPartition = false } : stage.Shape);
            stage.CheckStored();
        }
        if (builder.IsDrawing)
        {
            if (stage.OutputName is { } output) builder.NamesOutput(output, typeof(TIn));
            if (stage.NodeOutputs is { } owner) builder.MayName(owner);
        }
        var keyed = upstream as KeyedSource<TIn>;
        if (keyed is not null || stage.CountsOnOneRun) builder.CountsOnOneRun();
        if (keyed?.WhyNoState is { } reason && stage.KeepsState && !stage.Remembers)
            throw new InvalidTopologyException($"'{options.Name ?? stage.Hint}' keeps state by the key of Stage.KeyBy. {reason}");
        int node = builder.AddNode(stage, builder.IsDrawing && keyed is not null ? options with { KeyedLanes = keyed.Lanes } : options);
        builder.Connect(node, next);
        if (builder.IsDrawing)
        {
            if (stage.KeepsState) builder.Following?.AddOutlet(node, next);
            (keyed?.Upstream ?? upstream).Build(builder, builder.Drawn<TIn>(node));
            return;
        }
        builder.NeedsTickets |= stage.NeedsTickets;
        if (options.Buffer is { } capacity && builder.IsMultiThread) next = builder.Boundary(next, capacity, node);
        bool isParallel = (options.Parallel > 1 || options.Blocks) && builder.IsMultiThread;
        if (isParallel || keyed is not null || !stage.LetsFailuresThrough) next = builder.Isolated(next);
        if (keyed is not null) BuildKeyed(keyed, builder, node, next, isParallel);
        else if (builder.Following is not null) BuildFollowed(builder, node, next, isParallel);
        else if (isParallel) BuildParallel(builder, node, next);
        else if (stage is IWorksInLanes<TIn, TOut> working && upstream.LaneOptions is { } lanes && MayWorkInLanes(builder))
            BuildParts(working, lanes, builder, node, next);
        else upstream.Build(builder, InstanceOrFused(builder, node, next));
    }

    // In methods of their own: each captures variables for its lanes, and most runs have no lanes.
    private void BuildKeyed(KeyedSource<TIn> keyed, RunBuilder builder, int node, Inlet<TOut> next, bool isParallel)
    {
        bool isIsolated = isParallel && builder.Following is not null;
        // A node with state by key finds the state itself; other stages with memory get an instance for each key, and are refused if the
        // memory would outlive the run (KeepsState).
        keyed.BuildLanes(builder, node, next, (context, outlet) =>
        {
            Inlet<TIn> instance = Instance(builder, context, outlet);
            return isIsolated ? builder.Isolated(instance) : instance;
        }, stage.IsTimed, stage.IsByKey, isByText: stage.HasTimers && builder.Following is not null,
            stage.CountsOpenTime && stage.IsByKey);
    }

    private void BuildParallel(RunBuilder builder, int node, Inlet<TOut> next)
        => BuildLanes(builder, options, node, node, next, outlet => InstanceOrFused(builder, node, outlet));

    private void BuildParts(IWorksInLanes<TIn, TOut> working, StageOptions lanes, RunBuilder builder, int node, Inlet<TOut> next)
        => upstream.BuildInLanes(builder, lanes, node, working.CreateEnd(builder.Context(node), next), outlet =>
        {
            StageContext context = builder.Context(node);
            if (!builder.Run.Options.RecordTimings) return working.CreatePart(context, outlet);
            context.Times = new(context.Run.Time);
            return new TimeInput<TIn>(context, working.CreatePart(context, outlet));
        });

    /// <summary>Whether nothing wants to see the outputs of the stage, of which each lane has one.</summary>
    private bool MayWorkInLanes(RunBuilder builder)
        => builder.IsMultiThread && !options.HasPolicy && options.Log is null && builder.Run.Options.BeginItem is null;

    internal override StageOptions? LaneOptions
        => options is { Parallel: > 1, Buffer: null } && !stage.IsTimed && !stage.EndsItems ? options : null;

    /// <summary>Builds the stage in a run that follows its items. If items can enter at nodes in the middle, nodes are not fused.</summary>
    private void BuildFollowed(RunBuilder builder, int node, Inlet<TOut> next, bool isParallel)
    {
        Inlet<TIn> inlet = stage.Remembers ? Partitioned(builder, builder.Context(node), next)
            : isParallel
                ? ParallelStage<TIn, TOut>.Create(builder, node, node, options, next,
                outlet => builder.Isolated(Instance(builder, builder.Context(node), outlet)))
                : builder.Following!.HasEntrances ? Instance(builder, builder.Context(node), next) : InstanceOrFused(builder, node, next);
        builder.Enter(node, inlet);
        upstream.Build(builder, inlet);
    }

    /// <remarks>Asynchronous stages, and stages with retries, keep lanes of their own: while an item waits in one stage, the other stage
    /// can work. Stages with effects outside also keep their own lanes: no item behind a failing item may reach them. With fewer lanes than
    /// processors, separate lanes use more processors.</remarks>
    internal override bool HasLanesFor(StageOptions other)
        => MayShareLanes && options.Buffer is null && options.Parallel == other.Parallel && options.Ordered == other.Ordered
        && options.Blocks == other.Blocks;

    internal override void BuildInLanes<TLast>(
        RunBuilder builder, StageOptions lanes, int last, Inlet<TLast> next, Func<Inlet<TLast>, Inlet<TOut>> rest)
    {
        int node = builder.AddNode(stage, options);
        builder.NeedsTickets |= stage.NeedsTickets;
        BuildLanes(builder, lanes, node, last, next, outlet => InstanceOrFused(builder, node, rest(outlet)));
    }

    private bool MayShareLanes => options.Parallel > 1 && !stage.IsAsynchronous && options.Retries == 0;

    private void BuildLanes<TLast>(
        RunBuilder builder, StageOptions lanes, int node, int last, Inlet<TLast> next, Func<Inlet<TLast>, Inlet<TIn>> lane)
    {
        bool areEnough = lanes.Parallel >= Environment.ProcessorCount || builder.Run.Scheduler.IsSerial;
        if (areEnough && MayShareLanes && stage.MayRunAhead && upstream.HasLanesFor(lanes))
            upstream.BuildInLanes(builder, lanes, last, next, lane);
        else upstream.Build(builder, ParallelStage<TIn, TLast>.Create(builder, node, last, lanes, next, lane));
    }

    /// <summary>Makes an instance, fused with the next stage if possible.</summary>
    private Inlet<TIn> InstanceOrFused(RunBuilder builder, int node, Inlet<TOut> next)
        => (options.HasPolicy || options.Log is not null || builder.Run.Options.KeepsNodesApart ? null : stage.TryFuse(node, next))
        ?? Instance(builder, builder.Context(node), next);

    /// <summary>The instances of all partitions have one outlet: it comes behind the place where an output gets its ticket.</summary>
    private PartitionedStage<TIn, TOut> Partitioned(RunBuilder builder, StageContext context, Inlet<TOut> next)
    {
        CurrentItemScope? scope = ScopeIn(context);
        return new(builder.Following!, context, next, Outlet(builder, context, next, scope),
            (context, outlet) => Instance(context, outlet, scope));
    }

    private Inlet<TIn> Instance(RunBuilder builder, StageContext context, Inlet<TOut> next)
    {
        CurrentItemScope? scope = ScopeIn(context);
        return Instance(context, Outlet(builder, context, next, scope), scope);
    }

    private Inlet<TIn> Instance(StageContext context, Inlet<TOut> outlet, CurrentItemScope? scope)
    {
        Inlet<TIn> inlet = options.HasPolicy ? new PolicyStage<TIn, TOut>(context, stage, options, outlet) : stage.Create(context, outlet);
        if (options.Log is { } log) inlet = new LogInput<TIn>(context, inlet, log);
        if (scope is not null) inlet = new ScopeInput<TIn>(context, inlet, context.Run.Options.BeginItem!, scope);
        if (context.Run.Options.RecordTimings) inlet = new TimeInput<TIn>(context, inlet);
        return context.Run.Options.Following is { IsTraced: true } ? new TraceInput<TIn>(context, inlet) : inlet;
    }

    /// <summary>Puts in front of the next inlet what sees the outputs of an instance.</summary>
    private Inlet<TOut> Outlet(RunBuilder builder, StageContext context, Inlet<TOut> next, CurrentItemScope? scope)
    {
        if (builder.Following is { IsTraced: true }) next = new TraceOutput<TOut>(context, next);
        if (scope is not null) next = new ScopeOutput<TOut>(context, next, scope);
        if (context.Run.Options.RecordTimings)
        {
            context.Times ??= new(context.Run.Time);          // behind KeyBy, the instances of a lane share it
            next = new TimeOutput<TOut>(context, next);
        }
        if (options.Log is { } log) next = new LogOutput<TOut>(context, next, log);
        // User code that fails for an output must not end the stage's work on the item, any more than a failure further down.
        return (options.Log is null && scope is null) || stage.LetsFailuresThrough ? next : builder.Isolated(next);
    }

    private static CurrentItemScope? ScopeIn(StageContext context) => context.Run.Options.BeginItem is null ? null : new();
}
