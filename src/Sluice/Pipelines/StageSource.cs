namespace Sluice;

/// <summary>A source and one stage behind it.</summary>
internal sealed class StageSource<TIn, TOut> : Source<TOut>
{
    private readonly Source<TIn> upstream;
    private readonly Operator<TIn, TOut> stage;
    private readonly StageOptions options;

    /// <exception cref="InvalidOperationException">There can be one instance of the stage only, and upstream wants lanes.</exception>
    public StageSource(Source<TIn> upstream, Operator<TIn, TOut> stage, StageOptions options)
    {
        (this.upstream, this.stage, this.options) = (upstream, stage, options);
        if (upstream is KeyedSource<TIn> && stage.Exclusive is { } why)
            throw new InvalidOperationException($"Stage.KeyBy does not fit here: a {stage.Kind} {why}, and every lane would have one of its own. Put a stage in between.");
    }

    internal override bool CrossesThreads => upstream.CrossesThreads || options.CrossesThreads || stage.IsTimed || upstream is KeyedSource<TIn>;

    internal override Source<TOut> Annotate(StageAnnotation annotation)
        => new StageSource<TIn, TOut>(upstream, stage, annotation.Apply(options, StageTraits.Of(stage) with { IsKeyed = upstream is KeyedSource<TIn> }));

    internal override Source<TOut> Rewrite(Rewriter rewriter)
    {
        bool isReplaced = rewriter.Visit();
        Source<TIn> before = upstream.Rewrite(rewriter);
        return isReplaced ? rewriter.Stage<TIn, TOut>(before) : new StageSource<TIn, TOut>(before, stage, options);
    }

    internal override void Build(RunBuilder builder, Inlet<TOut> next)
    {
        builder.Check(stage.Kind, stage.Forgets);
        var keyed = upstream as KeyedSource<TIn>;
        int node = builder.AddNode(stage, builder.IsDrawing && keyed is not null ? options with { KeyedLanes = keyed.Lanes } : options);
        builder.Connect(node, next);
        if (builder.IsDrawing)
        {
            (keyed?.Upstream ?? upstream).Build(builder, new DrawnInlet<TIn>(node));
            return;
        }
        builder.NeedsTickets |= stage.NeedsTickets;
        if (options.Buffer is { } capacity && builder.IsMultiThread) next = builder.Boundary(next, capacity, node);
        bool isParallel = options.Parallel > 1 && builder.IsMultiThread;
        if (isParallel || keyed is not null || !stage.LetsFailuresThrough) next = builder.Isolated(next);
        Func<StageContext, Inlet<TOut>, Inlet<TIn>> instance = Instance;
        if (isParallel && builder.Following is not null) instance = (context, outlet) => builder.Isolated(Instance(context, outlet));
        if (keyed is not null)
        {
            keyed.BuildLanes(builder, node, next, instance, stage.IsTimed);
            return;
        }
        bool isJoined = !isParallel && !options.HasPolicy && options.Log is null && builder.Following is null;
        Inlet<TIn> inlet = (isJoined ? stage.TryFuse(node, next) : null)
            ?? (isParallel ? ParallelStage<TIn, TOut>.Create(builder, node, options, next, instance) : Instance(builder.Context(node), next));
        builder.Enter(node, inlet);
        upstream.Build(builder, inlet);
    }

    private Inlet<TIn> Instance(StageContext context, Inlet<TOut> next)
    {
        if (options.Log is { } log) next = new LogOutput<TOut>(context, next, log);
        Inlet<TIn> inlet = options.HasPolicy ? new Guard<TIn, TOut>(context, stage, options, next) : stage.Create(context, next);
        return options.Log is { } logInput ? new LogInput<TIn>(context, inlet, logInput) : inlet;
    }
}
