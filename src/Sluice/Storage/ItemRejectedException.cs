namespace Sluice.Storage;

/// <summary>
/// The target of a commit, such as a table, refuses one item because of its content. Nothing of the commit was applied; a repetition would
/// be refused again.
/// </summary>
/// <remarks>
/// A <see cref="TransactionalSink{T}"/> throws it from <c>PrepareAsync</c>, a store for an attachment of a commit. The consecutor then
/// fails only that item, which is retried and becomes a dead letter, and commits the others. For any other exception, the connection or the
/// medium counts as failed, and the same commit is repeated until it succeeds.
/// </remarks>
public class ItemRejectedException : StreamStoreException
{
    /// <summary>Creates an exception without a message.</summary>
    public ItemRejectedException() => IsPermanent = true;

    /// <summary>Creates an exception.</summary>
    /// <param name="message">The refused item and the reason. It becomes the text of the dead letter.</param>
    public ItemRejectedException(string message) : base(message) => IsPermanent = true;

    /// <summary>Creates an exception with a cause.</summary>
    /// <param name="message">The refused item and the reason. It becomes the text of the dead letter.</param>
    /// <param name="inner">The cause.</param>
    public ItemRejectedException(string message, Exception? inner) : base(message, inner) => IsPermanent = true;

    /// <summary>
    /// The index of the item in <see cref="SinkCommit{T}.Items"/>, from zero; from a store, the index of the part in the attachment. Null
    /// if unknown: then the consecutor commits fewer items at a time until it has found the item.
    /// </summary>
    public int? Item { get; init; }

    /// <summary>Whether the item is not retried: it becomes a dead letter at once. A window or chunk is retried all the same if another node
    /// with state stands between it and the sink.</summary>
    public bool IsFinal { get; init; }

    /// <summary>The refused attachment; null if a sink refuses an item itself.</summary>
    public ICommitAttachment? Attachment { get; init; }
}
