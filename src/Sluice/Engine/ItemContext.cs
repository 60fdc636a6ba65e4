namespace Sluice;

/// <summary>Describes the item that the code of a node works on: its id, its node, its attempt and its run.</summary>
/// <remarks>Sinks take it as an argument, and so does <see cref="RunOptions.BeginItem"/>. It is valid during that call only.</remarks>
public readonly struct ItemContext
{
    private readonly StageContext context;
    private readonly Ticket? ticket;
    private readonly long call;

    internal ItemContext(StageContext context, Ticket? ticket, long call = 0)
        => (this.context, this.ticket, this.call) = (context, ticket, call);

    /// <summary>The key of the root item that this item comes from, equal at every attempt and unique within a run: the name of the source
    /// and the item's number in it, from 0, as in <c>orders/41</c>. An item that an operator made from held or combined items has the key
    /// <c>derived</c>. In a consecutor it is the id of the accepted item, <c>payments/3/42@1</c>: unique for ever and equal after restarts.
    /// Use it as the key of effects outside of the store.</summary>
    /// <remarks>
    /// In a consecutor, an item that a chunk, a window, a group, a join, a timer or another stage with state puts out has an id of its own,
    /// which holds only from its commit on. Before that, a repetition may put out the same content under another id, or other content under
    /// the same id. For effects outside of the store, make a key from the data of such an item.
    /// </remarks>
    public string Id
    {
        get
        {
            string id = (ticket ?? context.Ticket) is not { } known ? "derived"
                : known.Id ?? string.Create(CultureInfo.InvariantCulture, $"{context.Run.NameOf(known.Source)}/{known.Sequence}");
            return context.Abandoned?.Id ?? id;      // last: until then, the ticket may have become another item's
        }
    }

    /// <summary>The name of the node.</summary>
    public string Node => context.Run.NameOf(context.Node);

    /// <summary>The number of this attempt, from 1. It counts the attempts of the stage, and in a consecutor the earlier replays
    /// too.</summary>
    public int Attempt
    {
        get
        {
            int attempt = context.Attempt + ((ticket ?? context.Ticket)?.EarlierAttempts ?? 0);
            return context.Abandoned?.Attempt ?? attempt;
        }
    }

    /// <summary>The run that processes the item.</summary>
    public PipelineRun Run => context.Run;

    /// <summary>
    /// Adds a function for your own statements in the transaction of the commit that settles the item: they take effect if and only if the
    /// item is settled. For sinks that take an <see cref="ItemContext"/>, in the pipeline of a consecutor whose store has transactions:
    /// <c>NpgsqlTransaction</c> with a <c>PostgresStreamStore</c>, <c>SqliteTransaction</c> with a <c>SqliteStreamStore</c>.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The function runs later, in the commit that settles the item, after the rows of sinks, and in the order of the calls. If this call
    /// of the sink fails, or another part of the item that is tried again, the function does not run. If another part becomes a dead
    /// letter, the function runs with the parts that have succeeded, as rows and outputs do. It runs again if the commit is repeated, for
    /// example without an item that was refused, or after a lost connection: its statements take effect once, everything else that it does
    /// may happen several times.
    /// </para>
    /// <para>
    /// If it throws, its item fails, in the sink's node: it is retried and then becomes a dead letter, and the other items of the commit
    /// are committed. The item fails as well if the function ends the transaction, or takes too long: its token is cancelled after 2
    /// seconds, and after 4 the store goes on without it. Be quick: other callers of the store wait for the transaction. Do not wait for
    /// calls of the same store in it, except those that take the transaction.
    /// </para>
    /// <para>It runs in the execution context of this call (<c>AsyncLocal</c> values, current activity), and begins on a thread of its
    /// own. The transaction is valid during the function only.</para>
    /// </remarks>
    /// <typeparam name="TTransaction">The type of the store's transactions.</typeparam>
    /// <param name="function">The function. It does not commit the transaction or roll it back.</param>
    /// <exception cref="InvalidOperationException">
    /// The store has no transactions of this type, or the run has no consecutor; the consecutor settles items before they start
    /// (<see cref="DeliveryGuarantee.None"/>); or the sink has returned.
    /// </exception>
    /// <example><code>
    /// source | (async (Order order, ItemContext context) =&gt;
    /// {
    ///     decimal price = await prices.AskAsync(order);
    ///     context.InTransaction&lt;NpgsqlTransaction&gt;(async (transaction, cancellation) =&gt;
    ///     {
    ///         await using var command = new NpgsqlCommand("UPDATE stock SET count = count - 1 WHERE id = $1", transaction.Connection)
    ///         { Parameters = { new() { Value = order.Id } } };
    ///         await command.ExecuteNonQueryAsync(cancellation);
    ///     });
    /// })
    /// </code></example>
    public void InTransaction<TTransaction>(Func<TTransaction, CancellationToken, ValueTask> function) where TTransaction : class
    {
        ArgumentNullException.ThrowIfNull(function);
        if (context.Abandoned is not null) throw TooLate();
        if (context.Run.Options.Following?.Feeder is not ITransactionOwner owner || (ticket ?? context.Ticket) is not { } known)
            throw new InvalidOperationException(
                $"{Node} asks for the transaction of its item's commit, and this run has no commits, because it is not the run of a "
                    + "consecutor.");
        owner.CheckTransaction(Node, typeof(TTransaction), known);
        if (!context.TryAdd(new(typeof(TTransaction), (given, cancellation) => function((TTransaction)given, cancellation)), call))
            throw TooLate();
    }

    private InvalidOperationException TooLate() => new(
        $"{Node} asks for the transaction of its item's commit too late, or not in the function of a sink: a sink that takes an "
            + "ItemContext asks before it returns, and before the limit of its attempt.");
}
