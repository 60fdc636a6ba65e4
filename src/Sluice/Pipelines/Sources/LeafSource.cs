using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>A source of items at the start of a pipeline. Derived types make the pump that drives it.</summary>
internal abstract class LeafSource<T>(StageOptions options) : Source<T>
{
    internal sealed override bool CrossesThreads => options.CrossesThreads;

    /// <summary>"source", "interval"…</summary>
    private protected abstract string Kind { get; }

    /// <summary>A name, where it has one of its own.</summary>
    private protected virtual string? Hint => null;

    /// <summary>Whether it wants to know its items again.</summary>
    private protected virtual bool NeedsTickets => false;

    internal sealed override Source<T> Annotate(StagePolicy policy)
    {
        StageOptions annotated = policy.Apply(options,
            new StageTraits(Kind, "makes items, one after the other. An option stands behind the stage that it is for",
                IsAsynchronous: false, IsSink: false));
        if (annotated.OnError != ErrorPolicy.Stop)
            throw new InvalidOperationException(
                $"{policy} does not fit here: a source that fails has ended. Handle its failure inside it.");
        return With(annotated);
    }

    internal sealed override Source<T> Rewrite(Rewriter rewriter) => rewriter.Visit() ? rewriter.Source(this) : this;

    internal sealed override void Build(RunBuilder builder, Inlet<T> next)
    {
        int node = builder.AddNode(Kind, options, null, Hint, null, typeof(T));
        builder.Connect(node, next);
        if (options.Buffer is { } capacity && builder.IsMultiThread) next = builder.Boundary(next, capacity, node);
        StageContext context = builder.Context(node);
        if (options.Log is { } log) next = new LogOutput<T>(context, next, log);
        if (builder.IsDrawing) return;
        SourcePump<T> pump = Pump(context, next);
        builder.NeedsTickets |= NeedsTickets;
        pump.Tickets = builder.Tickets(node, pump.ItemEnded);
        builder.Run.Add(pump);
    }

    private protected abstract Source<T> With(StageOptions annotated);

    private protected abstract SourcePump<T> Pump(StageContext context, Inlet<T> next);
}
