namespace Sluice;

/// <summary>A source and one stage behind it.</summary>
internal sealed class StageSource<TIn, TOut>(Source<TIn> upstream, Operator<TIn, TOut> stage, StageOptions options) : Source<TOut>
{
    internal override bool CrossesThreads => upstream.CrossesThreads || options.CrossesThreads || stage.IsTimed || upstream is KeyedSource<TIn>;

    internal override Source<TOut> Annotate(StageAnnotation annotation)
    {
        StageOptions annotated = annotation.Apply(options, StageTraits.Of(stage));
        if (stage.IsTimed && annotated.HasPolicy)
            throw new InvalidOperationException($"{annotation} does not fit here: a {stage.Kind} stage with a clock puts items out by itself, outside of any attempt. Put the work that may fail into a stage of its own.");
        return new StageSource<TIn, TOut>(upstream, stage, annotated);
    }

    internal override Source<TOut> Rewrite(Rewriter rewriter)
        => new StageSource<TIn, TOut>(upstream.Rewrite(rewriter), rewriter.Stage(stage, options), options);

    internal override void Build(RunBuilder builder, Inlet<TOut> next)
    {
        int node = builder.AddNode(stage.Kind, options, stage.Function, stage.Hint, typeof(TIn), typeof(TOut) == typeof(Nothing) ? null : typeof(TOut));
        builder.Connect(node, next);
        builder.NeedsTickets |= stage.NeedsTickets;
        if (options.Buffer is { } capacity && builder.IsMultiThread) next = builder.Boundary(next, capacity);

        if (upstream is KeyedSource<TIn> keyed)
        {
            keyed.BuildLanes(builder, node, next, Instance, stage.IsTimed);
            return;
        }
        Inlet<TIn> inlet = options.Parallel > 1 && builder.IsMultiThread
            ? ParallelStage<TIn, TOut>.Create(builder, node, options, next, Instance)
            : Instance(builder.Context(node), next);
        upstream.Build(builder, inlet);
    }

    private Inlet<TIn> Instance(StageContext context, Inlet<TOut> next)
    {
        if (options.Log is { } log) next = new LogOutput<TOut>(context, next, log);
        Inlet<TIn> inlet = options.HasPolicy ? new Guard<TIn, TOut>(context, stage, options, next) : stage.Create(context, next);
        return options.Log is { } logInput ? new LogInput<TIn>(context, inlet, logInput) : inlet;
    }
}
