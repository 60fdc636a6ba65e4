namespace Sluice.Engine;

/// <summary>A function of an item that runs in the transaction of the commit that settles the item.</summary>
/// <param name="transaction">The type of the transaction that the function takes.</param>
/// <param name="function">The function.</param>
internal sealed class TransactionWork(Type transaction, Func<object, CancellationToken, ValueTask> function)
{
    public Type Transaction => transaction;

    public TransactionWork? Next { get; set; }

    public ValueTask RunAsync(object given, CancellationToken cancellation) => function(given, cancellation);
}

/// <summary>The owner of a run whose commits have transactions.</summary>
internal interface ITransactionOwner
{
    /// <summary>Checks that a transaction of this type will settle the item.</summary>
    /// <exception cref="InvalidOperationException">It will not; the message says why.</exception>
    void CheckTransaction(string node, Type transaction, Ticket ticket);

    /// <summary>Adds a function to the commit that settles the item, if this attempt at it succeeds.</summary>
    void Keep(int node, TransactionWork work, Ticket ticket);
}
