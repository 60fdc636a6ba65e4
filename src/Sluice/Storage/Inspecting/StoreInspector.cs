using System.Globalization;
using System.Runtime.CompilerServices;

namespace Sluice.Diagnostics;

/// <summary>
/// Looks into a store without changing it: streams, consumer groups, rates, members and dead letters. For dashboards, health checks and
/// command lines.
/// </summary>
/// <remarks>
/// Thread-safe. Every list is bounded. Rates and the state of members compare two looks of one inspector, so keep the inspector and look
/// again. The inspector does not dispose the store.
/// </remarks>
/// <example><code>
/// await using IStreamStore store = await StreamStores.OpenReadOnlyAsync("sqlite:orders.db");
/// var inspector = new StoreInspector(store);
/// foreach (StreamLook stream in await inspector.LookAsync()) Console.WriteLine($"{stream.Name}: {stream.Backlog}");
/// </code></example>
public sealed class StoreInspector
{
    /// <summary>The maximum number of items on a page.</summary>
    public const int MaxPage = 1000;

    // A partition is asked for an entry with its payload, often from a store whose connections commits need, too.
    private const int Together = 128, PartitionsTogether = 4;

    private readonly IStreamStore store;
    private readonly TimeProvider time;
    private readonly MemberLooks members;
    private readonly StreamLooks streams;

    /// <summary>Creates an inspector of a store.</summary>
    /// <param name="store">The store; the inspector calls only methods that change nothing.</param>
    /// <param name="time">The clock that measures rates and the silence of members; by default the system's.</param>
    public StoreInspector(IStreamStore store, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(store);
        this.store = store;
        this.time = time ?? TimeProvider.System;
        (members, streams) = (new(this.time), new(this.time));
    }

    /// <summary>
    /// Receives a sentence for each damaged stream that a list leaves out; null to let the list fail. Called by several threads. Damage of
    /// the whole store lets the list fail in any case.
    /// </summary>
    public Action<string>? OnWarning { get; init; }

    /// <summary>Looks at the streams of the store, by name, with rates since the last look at them.</summary>
    /// <param name="prefix">The beginning of the names.</param>
    /// <param name="after">The last name of the previous page; null for the first page.</param>
    /// <param name="max">The maximum number of streams; 1 to <see cref="MaxPage"/>.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="ArgumentOutOfRangeException">The maximum is out of range.</exception>
    public async Task<IReadOnlyList<StreamLook>> LookAsync(string prefix = "", string? after = null, int max = MaxPage,
        CancellationToken cancellation = default)
    {
        CheckPage(max);
        ArgumentNullException.ThrowIfNull(prefix);
        List<StreamLook> found = [];
        IReadOnlyList<string> all = await store.ListStreamsAsync(prefix, cancellation).ConfigureAwait(false);
        streams.Keep(prefix, all);
        string[] names = Behind(all, after);
        for (int asked = 0; asked < names.Length && found.Count < max;)
        {
            // No more than fit on the page: the next page begins behind its last name.
            string[] some = names[asked..Math.Min(names.Length, asked + Math.Min(Together, max - found.Count))];
            asked += some.Length;
            foreach (StreamInfo? info in await FindAllAsync(some, cancellation).ConfigureAwait(false))
                if (info is not null) found.Add(streams.Look(info));
        }
        return found;
    }

    /// <summary>Looks at all streams of the store, by name, with rates since the last look at them. The streams are listed once.</summary>
    /// <param name="prefix">The beginning of the names.</param>
    /// <param name="after">The name behind which to begin; null for the first one.</param>
    /// <param name="cancellation">Ends the list.</param>
    public async IAsyncEnumerable<StreamLook> LookAllAsync(string prefix = "", string? after = null,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        IReadOnlyList<string> names = await store.ListStreamsAsync(prefix, cancellation).ConfigureAwait(false);
        streams.Keep(prefix, names);
        foreach (string[] some in Behind(names, after).Chunk(Together))
            foreach (StreamInfo? info in await FindAllAsync(some, cancellation).ConfigureAwait(false))
                if (info is not null) yield return streams.Look(info);
    }

    /// <summary>Looks at one stream, with rates since the last look at it; null if it does not exist.</summary>
    public async Task<StreamLook?> FindAsync(string stream, CancellationToken cancellation = default)
        => await store.FindStreamAsync(stream, cancellation).ConfigureAwait(false) is { } info ? streams.Look(info) : null;

    /// <summary>Looks at a consumer group: its partitions and its members; null if it does not exist.</summary>
    /// <remarks>
    /// At the first look, the state of all members is <see cref="MemberStatus.Unknown"/>. Look again for as long as
    /// <see cref="MemberLook.LeaseDuration"/>, for example once a second.
    /// </remarks>
    public async Task<GroupLook?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
    {
        long askedAt = time.GetTimestamp();
        if (await store.FindGroupAsync(group, cancellation).ConfigureAwait(false) is not { } info) return null;
        return new(group, members.Look(group, info, askedAt), info.Partitions, info.QuarantineOwner)
        {
            PausedAt = info.PausedAt,
            IsDraining = info.IsDraining,
        };
    }

    /// <summary>Finds the time when the oldest entry that a group has not settled was accepted; null if there is none.</summary>
    /// <remarks>Reads up to two entries of each partition with a backlog, of four partitions at once. Entries that were redriven count from
    /// their redrive on.</remarks>
    public async Task<DateTimeOffset?> FindOldestAsync(GroupId group, CancellationToken cancellation = default)
    {
        if (await store.FindGroupAsync(group, cancellation).ConfigureAwait(false) is not { } info) return null;
        DateTimeOffset? oldest = null;
        foreach (PartitionInfo[] some in info.Partitions.Chunk(PartitionsTogether))
            foreach (DateTimeOffset? time in await Task.WhenAll(some.Select(one => FindOldestAsync(group, one, cancellation)))
                .ConfigureAwait(false))
                oldest = Earlier(oldest, time);
        return oldest;
    }

    private async Task<DateTimeOffset?> FindOldestAsync(GroupId group, PartitionInfo partition, CancellationToken cancellation)
    {
        DateTimeOffset? oldest = null;
        if (partition.Done < partition.Tail)
        {
            var request = new ReadRequest(group.Stream, partition.Partition, partition.Done + 1) { MaxItems = 1 };
            ReadResult next = await store.ReadAsync(request, cancellation).ConfigureAwait(false);
            if (!next.Entries.IsEmpty) oldest = next.Entries.Span[0].Time;
        }
        if (partition.Waiting + partition.InFlightAgain == 0) return oldest;
        foreach (WaitingEntry waiting in await store.ListWaitingHeadsAsync(group, partition.Partition, long.MinValue, 1, cancellation)
            .ConfigureAwait(false))
            oldest = Earlier(oldest, waiting.Entry.Time);
        return oldest;
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one < other || other is null ? one : other;

    /// <summary>Reads dead letters of a group, in the order of their numbers, some megabytes at a time. A letter that is written meanwhile
    /// comes, too.</summary>
    /// <param name="group">The group.</param>
    /// <param name="filter">The letters to read; null for all.</param>
    /// <param name="after">The number behind which to begin; zero for the first letter.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StreamStoreException">The stream or the group does not exist.</exception>
    public async IAsyncEnumerable<StoredDeadLetter> ReadDeadLettersAsync(GroupId group, DeadLetterFilter? filter = null, long after = 0,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await foreach (StoredDeadLetter letter in ReadLettersAsync(group, filter, after, MaxPage, cancellation).ConfigureAwait(false))
            yield return letter;
    }

    private async IAsyncEnumerable<StoredDeadLetter> ReadLettersAsync(GroupId group, DeadLetterFilter? filter, long after, int most,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (IReadOnlyList<StoredDeadLetter> page in LetterPages.ReadAsync(store, group, filter?.Node, after, most, cancellation)
            .ConfigureAwait(false))
            foreach (StoredDeadLetter letter in page)
                if (filter?.Matches(letter) != false) yield return letter;
    }

    /// <summary>Pages through dead letters of a group, by number. All letters of a page are in memory; to go through many of them, use
    /// <see cref="ReadDeadLettersAsync"/>.</summary>
    /// <param name="group">The group.</param>
    /// <param name="filter">The letters to list; null for all.</param>
    /// <param name="after">The last number of the previous page; zero for the first page.</param>
    /// <param name="max">The maximum number of letters; 1 to <see cref="MaxPage"/>.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="ArgumentOutOfRangeException">The maximum is out of range.</exception>
    /// <exception cref="StreamStoreException">The stream or the group does not exist.</exception>
    public async Task<IReadOnlyList<StoredDeadLetter>> ListDeadLettersAsync(GroupId group, DeadLetterFilter? filter = null, long after = 0,
        int max = 100, CancellationToken cancellation = default)
    {
        CheckPage(max);
        List<StoredDeadLetter> found = [];
        int most = filter is null or { Error: null, Since: null, Before: null } ? max : MaxPage;
        await foreach (StoredDeadLetter letter in ReadLettersAsync(group, filter, after, most, cancellation).ConfigureAwait(false))
        {
            found.Add(letter);
            if (found.Count == max) break;
        }
        return found;
    }

    /// <summary>Finds a dead letter of a group by its number, or the first one by the id of its item or of its entry.</summary>
    /// <param name="group">The group.</param>
    /// <param name="id">A number such as <c>17</c>, or an id such as <c>payments/3/42@1</c>.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>The letter; null if there is none, or the text is neither.</returns>
    public async Task<StoredDeadLetter?> FindDeadLetterAsync(GroupId group, string id, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        await foreach ((_, StoredDeadLetter letter) in FindDeadLettersAsync(group, [id], cancellation).ConfigureAwait(false))
            return letter;
        return null;
    }

    /// <summary>Finds dead letters of a group by their numbers, or by the ids of their items or entries. An item that died in several parts
    /// has several letters.</summary>
    /// <remarks>Numbers cost a call each. For ids, all letters are read, once.</remarks>
    /// <param name="group">The group.</param>
    /// <param name="ids">Numbers such as <c>17</c>, and ids such as <c>payments/3/42@1</c>.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The letters, each with the number or id that it was found by: first those of numbers, then those of ids by number. Numbers
    /// and ids without a letter are left out. A letter comes twice if it is found by two of them.</returns>
    /// <exception cref="ArgumentException">One of the ids is null.</exception>
    public async IAsyncEnumerable<(string Id, StoredDeadLetter Letter)> FindDeadLettersAsync(GroupId group, IReadOnlyList<string> ids,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (ids.Contains(null!)) throw new ArgumentException("One of the ids is null.", nameof(ids));
        HashSet<string> items = new(StringComparer.Ordinal);
        foreach (string id in ids.Distinct(StringComparer.Ordinal))
        {
            if (!long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                if (id.Length > 0) items.Add(id);
                continue;
            }
            if (number == 0) continue;
            IReadOnlyList<StoredDeadLetter> page = await store.ListDeadAsync(group, null, number - 1, 1, cancellation)
                .ConfigureAwait(false);
            if (page.Count > 0 && page[0].Number == number) yield return (id, page[0]);
        }
        if (items.Count == 0) yield break;
        await foreach (StoredDeadLetter letter in ReadDeadLettersAsync(group, cancellation: cancellation).ConfigureAwait(false))
        {
            string item = letter.Entry.ItemIdIn(group.Stream, letter.Partition);
            string entry = letter.Entry.IdIn(group.Stream, letter.Partition).ToString();
            if (items.Contains(item)) yield return (item, letter);
            if (entry != item && items.Contains(entry)) yield return (entry, letter);
        }
    }

    // Calls that are made together share a round trip or a turn of the store's thread. One that was deleted meanwhile, or is damaged, is
    // null.
    private async Task<StreamInfo?[]> FindAllAsync(string[] names, CancellationToken cancellation)
        => await Task.WhenAll(names.Select(name => FindSoundAsync(name, cancellation))).ConfigureAwait(false);

    private async Task<StreamInfo?> FindSoundAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return await store.FindStreamAsync(name, cancellation).ConfigureAwait(false);
        }
        catch (StreamStoreException damage) when (damage.IsPermanent && damage.Stream == name && OnWarning is not null)
        {
            OnWarning($"The stream {name} is left out: {damage.Message}");
            return null;
        }
    }

    private static string[] Behind(IReadOnlyList<string> names, string? after)
        => [.. after is null ? names : names.SkipWhile(name => string.CompareOrdinal(name, after) <= 0)];

    private static void CheckPage(int max)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(max, MaxPage);
    }
}
