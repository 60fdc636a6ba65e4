using Sluice.Diagnostics;

namespace Sluice.Delivery;

/// <summary>The stream and the group of a consecutor: how they are made, what the store has, and whether the input is complete.</summary>
/// <remarks>Thread-safe: what the store has is one volatile field. The key is set before anything else is called.</remarks>
internal sealed class ConsecutorStream(GroupId group, ConsecutorOptions options, bool keepsState, IStreamStore store)
{
    private volatile StreamOptions? stored;
    private volatile bool isInputComplete;
    private bool hasWarned;

    public string Name => group.Stream;

    /// <summary>The store itself, without wrappers.</summary>
    public IStreamStore Store => store.Root;

    /// <summary>The function that makes the key of an item; null if items have no keys.</summary>
    public Delegate? KeyOf { get; set; }

    public bool IsKeyed => KeyOf is not null;

    /// <summary>How the stream is made. It has one partition if stages keep state of all items and the options name no number.</summary>
    public StreamOptions Options => options.Stream.IsPartitionsGiven || !keepsState || IsKeyed ? options.Stream
        : options.Stream with { Partitions = 1 };

    /// <summary>The longest payload with headers, in bytes. An open stream may be older than the options.</summary>
    public int MaxEntryBytes => (stored ?? Options).MaxEntryBytes;

    /// <summary>How many outstanding items the stream may have. An open stream may be older than the options.</summary>
    public long MaxItems => (stored ?? Options).MaxItems;

    /// <summary>The same bound in bytes.</summary>
    public long MaxBytes => (stored ?? Options).MaxBytes;

    /// <summary>How many partitions the stream has. An open stream may be older than the options.</summary>
    public int Partitions => (stored ?? Options).Partitions;

    /// <summary>Whether no item is accepted any more, as far as this process knows.</summary>
    public bool IsInputComplete
    {
        get => isInputComplete;
        set => isInputComplete = value;
    }

    /// <summary>Opens the stream and adds the group.</summary>
    /// <exception cref="InvalidOperationException">The stream was made with another number of partitions.</exception>
    public async ValueTask OpenAsync(CancellationToken cancellation)
    {
        StreamInfo stream;
        try
        {
            stream = await store.OpenStreamAsync(group.Stream, Options, cancellation).ConfigureAwait(false);
        }
        catch (StreamStoreException e) when (e.IsPermanent)
        {
            if (await TryFindAsync(cancellation).ConfigureAwait(false) is not { } made
                || made.Options.Partitions == Options.Partitions) throw;
            // A mistake of the code or the settings, as a renamed node is: the store works.
            if (options.Stream.IsPartitionsGiven) throw new InvalidOperationException(e.Message, e);
            if (keepsState) throw new InvalidOperationException(Explain(made.Options.Partitions), e);
            // Without state, any number does: it had a stage with state before.
            stream = await store.OpenStreamAsync(group.Stream, Options with { Partitions = made.Options.Partitions }, cancellation)
                .ConfigureAwait(false);
        }
        stored = stream.Options;
        WarnIfOther(stream.Options);
        IsInputComplete |= stream.End is not null;
        await store.AddGroupAsync(group, StreamStart.First, cancellation).ConfigureAwait(false);
    }

    // Null also if the stream cannot be read: the failure of its opening says why.
    private async ValueTask<StreamInfo?> TryFindAsync(CancellationToken cancellation)
    {
        try
        {
            return await store.FindStreamAsync(group.Stream, cancellation).ConfigureAwait(false);
        }
        catch (StreamStoreException)
        {
            return null;
        }
    }

    /// <summary>Warns once of bounds in the code that have no effect, because the stream was made with others.</summary>
    private void WarnIfOther(StreamOptions made)
    {
        (string Name, long Made, long? Code)[] bounds =
        [
            (nameof(made.MaxItems), made.MaxItems, Options.GivenMaxItems),
            (nameof(made.MaxBytes), made.MaxBytes, Options.GivenMaxBytes),
            (nameof(made.MaxEntryBytes), made.MaxEntryBytes, Options.GivenMaxEntryBytes),
        ];
        string[] others = [.. bounds.Where(static bound => bound.Code is { } code && code != bound.Made)
            .Select(static bound => $"{bound.Name} is {bound.Made:N0}, and the code says {bound.Code:N0}")];
        if (others.Length == 0 || Interlocked.Exchange(ref hasWarned, true)) return;
        Warnings.Tell(options.OnWarning, $"The stream of the consecutor {Name} keeps the options with which it was made: "
            + $"{string.Join("; ", others)}. To change them, give the consecutor a new name.");
    }

    /// <summary>Explains the refusal of a stream that was made before Key, or a stage with state, was added or removed.</summary>
    private string Explain(int made)
    {
        string change = made == 1 && IsKeyed ? "Key was added"
            : Options.Partitions == 1
            ? "Key was removed, or a stage with state was added (or an earlier Sluice made it, by a Stream option),"
            : "Key was added or removed";
        return $"The stream of the consecutor {group.Stream} was made with {Count(made)}, and this code asks for "
            + $"{Count(Options.Partitions)}. {change} since then: stages with state have {StreamOptions.DefaultPartitions} partitions with "
            + "Key, and 1 without. Another number would move keys, and their state, to other partitions. Keep the stream by the option "
            + $"Stream = new() {{ Partitions = {made} }}, or give the consecutor a new name. State of a "
            + "StatefulStageNode is by Key: if one has state, only a new name of the node or of the consecutor helps, and it begins anew.";

        static string Count(int partitions) => partitions == 1 ? "1 partition" : $"{partitions} partitions";
    }
}
