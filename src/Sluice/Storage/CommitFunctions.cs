namespace Sluice.Storage;

/// <summary>
/// Functions of items that a store runs in the transaction of their commit (<see cref="ItemContext.InTransaction{TTransaction}"/>). A store
/// gets them as an attachment (<see cref="StoreCommit.Attachments"/>), and runs them in order, after the attachments before them.
/// </summary>
/// <remarks>
/// If a function throws, the store applies nothing of the commit, and refuses the item by an <see cref="ItemRejectedException"/> with this
/// attachment and the index of the function. If the store itself fails, it throws something else: the commit is repeated.
/// </remarks>
public sealed class CommitFunctions : ICommitAttachment
{
    private readonly IReadOnlyList<(string Node, string Id, Func<object, CancellationToken, ValueTask> Run)> functions;

    /// <summary>Makes functions. A consecutor makes those of its items; make your own in a test of a store.</summary>
    /// <param name="transaction">The type of the transaction that they take.</param>
    /// <param name="functions">The functions, each with the name of its node and the id of its item.</param>
    public CommitFunctions(Type transaction,
        IReadOnlyList<(string Node, string Id, Func<object, CancellationToken, ValueTask> Run)> functions)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(functions);
        (TransactionType, this.functions) = (transaction, functions);
    }

    /// <summary>The type of the transaction that the functions take.</summary>
    public Type TransactionType { get; }

    /// <summary>The number of functions.</summary>
    public int Count => functions.Count;

    /// <inheritdoc/>
    public string WrittenBy => $"a store whose transactions are a {TransactionType.Name}";

    /// <summary>Names a function for errors: by its node, and the id of its item.</summary>
    public string Describe(int index) => $"the function of {functions[index].Node} for {functions[index].Id}";

    /// <summary>Runs a function. One of an item runs on another thread, which is not one of the thread pool. It begins at once, however
    /// busy the pool is, and in the execution context of the code that added it.</summary>
    /// <param name="index">Its index, from zero.</param>
    /// <param name="transaction">The transaction, of type <see cref="TransactionType"/>.</param>
    /// <param name="cancellation">Cancelled when the function has taken too long.</param>
    public ValueTask RunAsync(int index, object transaction, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        try
        {
            return functions[index].Run(transaction, cancellation);
        }
        catch (Exception e)                          // of a function that is no asynchronous method: stores look at the task
        {
            return ValueTask.FromException(e);
        }
    }
}
