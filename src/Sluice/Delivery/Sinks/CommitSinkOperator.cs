using Sluice.Topologies;

namespace Sluice.Delivery;

/// <summary>The operator of a sink that takes part in commits. All lanes share the sink and only stage the value that a function makes of
/// the item. If the function throws, the item fails in this node, and not the commit that it shares with others.</summary>
/// <param name="staged">Makes the staged value of an item.</param>
/// <param name="factory">Makes the sink.</param>
/// <param name="name">The default name of the node; if null, the name of the sink's type.</param>
internal sealed class CommitSinkOperator<T, TStaged>(Func<T, TStaged> staged, Func<TransactionalSink<TStaged>> factory, string? name)
    : Operator<T, Unit>
{
    private string? hint = name;

    public override string Kind => CommitSinkKind.Name;

    public override string Hint => hint ??= Make().GetType().Name;

    public override bool NeedsTickets => true;

    /// <summary>What is staged stays staged, so a late success is one.</summary>
    public override bool CanBeAbandoned => false;

    public override Inlet<T> Create(StageContext context, Inlet<Unit> next)
    {
        if (context.Run.Options.Following?.Feeder is not ISinkBindings sinks)
        {
            throw new InvalidTopologyException(
                $"The sink {Hint} takes part in the commits of a consecutor, and this run has none. Put it at the end of a consecutor's "
                    + "pipeline; to write a file in any run, use Sink.Lines.");
        }
        string node = context.Run.NameOf(context.Node);
        return new CommitSinkStage<T, TStaged>(context, next, staged, sinks.Bind(node, () => new SinkBinding<TStaged>(node, Make())));
    }

    private TransactionalSink<TStaged> Make() => factory() ?? throw new InvalidOperationException("The factory of a sink returned null.");
}

internal sealed class CommitSinkStage<T, TStaged>(StageContext context, Inlet<Unit> next, Func<T, TStaged> staged,
    SinkBinding<TStaged> binding)
    : Stage<T, Unit>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        StagedPart<TStaged> part;
        try
        {
            part = new(binding, staged(item));
        }
        catch (Exception e)
        {
            throw Context.Failure(e, item, ticket);
        }
        Context.Out++;
        var root = (Root)(ticket ?? Context.Ticket)!.Whole;
        root.Stage(part);
        ticket?.Settle(Outcome.Completed);
        return default;
    }
}

internal static class CommitSinkKind
{
    public const string Name = "committed-sink";
}
