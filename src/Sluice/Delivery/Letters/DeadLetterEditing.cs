using Sluice.Delivery;

namespace Sluice.Diagnostics;

/// <summary>Sends a dead letter again with another payload.</summary>
public static class DeadLetterEditing
{
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(1);

    /// <summary>Returns why a letter cannot be sent with another payload; null if it can.</summary>
    /// <remarks>A part of a divided list, a timer and the end of a batch are no items of their own: they can be redriven only.</remarks>
    public static string? WhyNot(StoredDeadLetter letter)
    {
        ArgumentNullException.ThrowIfNull(letter);
        EntryHeaders headers = EntryHeaders.Read(letter.Entry.Headers.Span);
        if (letter.IsUnreadable)
            return "The letter is damaged in the store, and its payload cannot be read. Restore the store from a backup, or discard the "
                + "letter.";
        return headers.Timer is not null ? "The letter is a timer that has fired, and has no payload."
            : headers.EndOf is not null ? "The letter is the end of a batch, and has no payload."
            : headers.Part is null ? null
            : "The letter is a part of a divided list: its payload belongs together with those of the other parts.";
    }

    /// <summary>Returns the node at which the letter enters again; null if that is the beginning.</summary>
    /// <remarks>The payload is then the input of that node.</remarks>
    public static string? EntersAt(StoredDeadLetter letter)
    {
        ArgumentNullException.ThrowIfNull(letter);
        return EntryHeaders.Read(letter.Entry.Headers.Span).Node;
    }

    /// <summary>
    /// Appends an item with the given payload, which enters where the letter would and has its key, and then deletes the letter. The item
    /// has an id and attempts of its own, and belongs to no batch.
    /// </summary>
    /// <remarks>
    /// Thread-safe. A call that is repeated within a day, or that overlaps with another one for the same letter, appends nothing more: the
    /// payload of the first one counts. The store does not check that the payload can be read; if it cannot, the item becomes a dead letter
    /// again.
    /// </remarks>
    /// <param name="store">The store.</param>
    /// <param name="group">The group of the letter.</param>
    /// <param name="letter">The letter.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="cancellation">Gives up; what was done until then stays so.</param>
    /// <returns>Whether it was sent now; false if an earlier call had sent it.</returns>
    /// <exception cref="InvalidOperationException">The letter has no payload of its own (<see cref="WhyNot"/>).</exception>
    /// <exception cref="PayloadException">The payload is longer than the stream allows; nothing was changed.</exception>
    /// <exception cref="StreamStoreException">The store failed, or the stream is full or has ended: the letter is still there. Or the item
    /// was sent, and the letter could not be deleted; the message says so.</exception>
    public static async Task<bool> SendEditedAsync(IStreamStore store, GroupId group, StoredDeadLetter letter, ReadOnlyMemory<byte> payload,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (WhyNot(letter) is { } why) throw new InvalidOperationException(why);
        EntryHeaders was = EntryHeaders.Read(letter.Entry.Headers.Span);
        byte[] headers = new EntryHeaders(null, was.Node)
        {
            IsAfter = was.IsAfter,
            Namesakes = was.Namesakes,
            Key = was.Key,
            Trace = was.Trace
        }.ToBytes();
        StreamInfo stream = await store.FindStreamAsync(group.Stream, cancellation).ConfigureAwait(false)
            ?? throw new StreamStoreException($"There is no stream {group.Stream}: it was deleted, and its letters with it.");
        using var entries = new EntryBatch
        {
            Stream = group.Stream,
            MaxEntryBytes = stream.Options.MaxEntryBytes,
            CodeVersion = letter.Entry.CodeVersion,
            FlowVersion = letter.Entry.FlowVersion,
        };
        // An entry that the consecutor made itself, such as half of a list, has its key in its headers only.
        EntryKey key = !letter.Entry.Key.Exists && was.Key is { Length: > 0 } known ? EntryKey.Of(known) : letter.Entry.Key;
        entries.Add(payload.Span, key, headers);
        var append = new AppendRequest(group.Stream, $"edited/{letter.Number}/{letter.DiedAt.UtcTicks:x}", 0, 1, entries)
        {
            ForgetAfter = Remembered
        };
        AppendStatus status = (await store.AppendAsync(append, cancellation).ConfigureAwait(false)).Status;
        if (status is not (AppendStatus.Accepted or AppendStatus.Duplicate))
            throw new StreamStoreException(status == AppendStatus.Full
                ? $"The stream {group.Stream} is full: the letter {letter.Number} was not sent. Try again when its backlog has shrunk."
                : $"The stream {group.Stream} takes nothing any more ({status}): the letter {letter.Number} was not sent.");
        try
        {
            await store.DeleteDeadAsync(group, [letter.Number], cancellation).ConfigureAwait(false);
        }
        catch (StreamStoreException e)
        {
            throw new StreamStoreException($"The edited item was sent, and the letter {letter.Number} could not be deleted: "
                + $"{e.Message} Discard it, or send the form again within a day. If it is redriven, it runs beside the edited item.", e);
        }
        return status == AppendStatus.Accepted;
    }
}
