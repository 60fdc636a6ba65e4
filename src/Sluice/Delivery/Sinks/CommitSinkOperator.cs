namespace Sluice;

/// <summary>The node of a sink that takes part in commits. All its lanes share the sink: they only stage.</summary>
internal sealed class CommitSinkOperator<T>(Func<CommitSink<T>> factory) : Operator<T, Nothing>
{
    private string? hint;

    public override string Kind => CommitSinkKind.Name;

    public override string Hint => hint ??= Make().GetType().Name;

    public override bool NeedsTickets => true;

    public override Inlet<T> Create(StageContext context, Inlet<Nothing> next)
    {
        if (context.Run.Options.Following?.Feeder is not ISinkBindings sinks)
        {
            throw new InvalidTopologyException(
                $"The sink {Hint} takes part in the commits of a consecutor, and this run has none. Put it at the end of a consecutor's pipeline.");
        }
        string node = context.Run.NameOf(context.Node);
        return new CommitSinkStage<T>(context, next, sinks.Bind(node, () => new SinkBinding<T>(node, Make())));
    }

    private CommitSink<T> Make() => factory() ?? throw new InvalidOperationException("The factory of a sink returned null.");
}

internal sealed class CommitSinkStage<T>(StageContext context, Inlet<Nothing> next, SinkBinding<T> binding) : Stage<T, Nothing>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        Context.In++;
        Context.Out++;
        var root = (Root)(ticket ?? Context.Ticket)!;
        root.Stage(new StagedPart<T>(binding, item));
        ticket?.Settle(Outcome.Completed);
        return default;
    }
}

internal static class CommitSinkKind
{
    public const string Name = "committed-sink";
}
