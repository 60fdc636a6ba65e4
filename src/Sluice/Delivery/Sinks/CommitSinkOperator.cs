namespace Sluice;

/// <summary>
/// The node of a sink that takes part in commits. All its lanes share the sink: they only stage, what a function makes of the item. Where that fails it is the
/// item that fails, in this node, and not a commit that others share.
/// </summary>
/// <param name="staged">What is staged of an item.</param>
/// <param name="factory">Makes the sink.</param>
/// <param name="name">What the node is called unless it is given a name; the sink's type if it is null.</param>
internal sealed class CommitSinkOperator<T, TStaged>(Func<T, TStaged> staged, Func<TransactionalSink<TStaged>> factory, string? name) : Operator<T, Unit>
{
    private string? hint = name;

    public override string Kind => CommitSinkKind.Name;

    public override string Hint => hint ??= Make().GetType().Name;

    public override bool NeedsTickets => true;

    public override Inlet<T> Create(StageContext context, Inlet<Unit> next)
    {
        if (context.Run.Options.Following?.Feeder is not ISinkBindings sinks)
        {
            throw new InvalidTopologyException(
                $"The sink {Hint} takes part in the commits of a consecutor, and this run has none. Put it at the end of a consecutor's pipeline.");
        }
        string node = context.Run.NameOf(context.Node);
        return new CommitSinkStage<T, TStaged>(context, next, staged, sinks.Bind(node, () => new SinkBinding<TStaged>(node, Make())));
    }

    private TransactionalSink<TStaged> Make() => factory() ?? throw new InvalidOperationException("The factory of a sink returned null.");
}

internal sealed class CommitSinkStage<T, TStaged>(StageContext context, Inlet<Unit> next, Func<T, TStaged> staged, SinkBinding<TStaged> binding)
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
