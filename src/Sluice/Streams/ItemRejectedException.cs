namespace Sluice;

/// <summary>A table, or what else a commit writes to, refuses one item because of what the item is. Nothing of the commit was applied, and a repetition would be refused again.</summary>
/// <remarks>
/// A <see cref="TransactionalSink{T}"/> throws it from <c>PrepareAsync</c>, and a store throws it for an attachment of a commit. The consecutor then fails that one item, which is tried again
/// and becomes a dead letter, and commits the others. Every other exception means that the connection or the medium failed: the same commit is tried again until it succeeds.
/// </remarks>
public class ItemRejectedException : StreamStoreException
{
    /// <summary>Makes one without a message.</summary>
    public ItemRejectedException() => IsPermanent = true;

    /// <summary>Makes one.</summary>
    /// <param name="message">What was refused, and why. It becomes the text of the dead letter.</param>
    public ItemRejectedException(string message) : base(message) => IsPermanent = true;

    /// <summary>Makes one with a cause.</summary>
    /// <param name="message">What was refused, and why. It becomes the text of the dead letter.</param>
    /// <param name="inner">The cause.</param>
    public ItemRejectedException(string message, Exception? inner) : base(message, inner) => IsPermanent = true;

    /// <summary>
    /// The place of the item in <see cref="SinkCommit{T}.Items"/>, from zero; of a store's, the place of the part in the attachment. Null if it is not known: then the consecutor
    /// commits fewer items at a time until it has found the one.
    /// </summary>
    public int? Item { get; init; }

    /// <summary>The attachment that was refused; null if a sink refuses an item itself.</summary>
    public ICommitAttachment? Attachment { get; init; }
}
