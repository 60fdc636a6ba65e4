namespace Sluice.Cli.Commands;

/// <summary>Changes the letters with these numbers, and returns how many there were.</summary>
internal delegate ValueTask<int> LetterChange(IStreamStore store, GroupId group, IReadOnlyList<long> numbers,
    CancellationToken cancellation);

/// <summary>Changes dead letters step by step. If the store fails, it says what is done and how to go on.</summary>
internal sealed class LetterChanges(CommandRun command, IStreamStore store, GroupId group, string done, LetterChange change,
    bool needsEntry)
{
    private const int Step = 100;                    // small steps: a consecutor notices each one

    private readonly StoreInspector inspector = new(store);
    private readonly DamagedPartitions partitions = new();
    private int damaged;
    private bool areIds;

    /// <summary>The number of letters that the store has acknowledged.</summary>
    public int Changed { get; private set; }

    /// <summary>The letters that were left because of damage, and the remedy, after a semicolon; empty if there are none.</summary>
    public string Left => (damaged > 0 ? $"; {Clean.Count(damaged)} damaged in the store, and left" : "")
        + (partitions.Left > 0 ? $"; {Clean.Count(partitions.Left)} left because of damage in the store: {partitions}" : "")
        + (damaged + partitions.Left > 0 ? " ('sluice check' says how)" : "");

    /// <summary>Changes letters by their numbers, or by the ids of their items.</summary>
    public Task ChangeAsync(string[] ids, bool ignoreMissing) => ReportAsync(async () =>
    {
        areIds = true;
        List<LetterPlace> letters = [];
        ILookup<string, Found> found = await FindAsync(ids);
        foreach (string id in ids)
        {
            if (needsEntry && found[id].Any(static letter => letter.IsUnreadable))
                throw CommandException.NotFound($"The dead letter {id} is damaged, and cannot be {done}. Restore the store from a "
                    + "backup, or discard the letter. Nothing was changed.");
            if (!ignoreMissing && !found.Contains(id))
                throw CommandException.NotFound($"The consecutor '{GroupNames.Of(group)}' has no dead letter {id}. Nothing was changed.");
            letters.AddRange(found[id].Select(static letter => letter.Place));
        }
        foreach (LetterPlace[] some in letters.Distinct().Chunk(Step)) await ChangeAsync(some);
    });

    /// <summary>Changes the letters that a filter selects. A letter that dies again meanwhile has a higher number, and is left.</summary>
    public Task ChangeAsync(DeadLetterFilter filter) => ReportAsync(async () =>
    {
        long last = await FindLastAsync();
        List<LetterPlace> letters = [];
        await foreach (StoredDeadLetter letter in inspector.ReadDeadLettersAsync(group, filter, cancellation: command.Cancellation))
        {
            if (letter.Number > last) break;
            if (needsEntry && letter.IsUnreadable) damaged++;
            else letters.Add(new(letter.Number, letter.Partition));
            if (letters.Count < Step) continue;
            await ChangeAsync(letters);
            letters.Clear();
        }
        await ChangeAsync(letters);
    });

    /// <summary>The number of the last letter, found by halves; zero if there is none. A time could not limit the letters: the
    /// store object of this process may have another time than the service, whose time the letters have.</summary>
    private async Task<long> FindLastAsync()
    {
        long low = 0, step = 1;
        while (await NextAsync(low + step - 1) is { } next) (low, step) = (next, step * 2);
        for (long high = low + step - 1; low < high;)
        {
            long middle = low + ((high - low) / 2);
            if (await NextAsync(middle) is { } next) low = next;
            else high = middle;
        }
        return low;

        async ValueTask<long?> NextAsync(long after)
            => await store.ListDeadAsync(group, null, after, 1, command.Cancellation) is [var letter, ..] ? letter.Number : null;
    }

    private async Task<ILookup<string, Found>> FindAsync(string[] ids)
    {
        List<Found> found = [];
        await foreach ((string id, StoredDeadLetter letter) in inspector.FindDeadLettersAsync(group, ids, command.Cancellation))
            found.Add(new(id, new(letter.Number, letter.Partition), letter.IsUnreadable));
        return found.ToLookup(static letter => letter.Id, StringComparer.Ordinal);
    }

    private async Task ChangeAsync(IReadOnlyList<LetterPlace> letters)
        => Changed += await partitions.ChangeAsync(letters, numbers => change(store, group, numbers, command.Cancellation));

    // The JSON of a broken command has what the store has acknowledged.
    private async Task ReportAsync(Func<Task> work)
    {
        try
        {
            await work();
            Write(isComplete: true);
        }
        catch (OperationCanceledException) when (command.Cancellation.IsCancellationRequested)
        {
            throw Broken(ExitCodes.Interrupted, $"Interrupted: up to {Step} letters may have been {done} besides.");
        }
        catch (StoreInUseException)
        {
            throw Broken(ExitCodes.Unreachable, $"The process that had {StreamStores.WithoutSecrets(command.StoreText)} open has ended, or "
                + "takes no changes any more.");
        }
        catch (StreamStoreException failure)
        {
            throw Broken(ExitCodes.Unreachable, CommandRun.Sentence(failure.Message));
        }
    }

    private CommandException Broken(int exitCode, string reason)
    {
        Write(isComplete: false);
        return new(exitCode, $"{reason} Before, {Clean.Count(Changed)} {(Changed == 1 ? "letter was" : "letters were")} {done}. Repeat the "
            + $"command{(areIds ? " with --ignore-missing" : "")}: letters that were {done} are not {done} again"
            + $"{(areIds && needsEntry ? ", but for one that has died again, if its item's id was given" : "")}.");
    }

    private void Write(bool isComplete)
    {
        if (command.Screen.IsJson)
        {
            var json = new Dictionary<string, object> { [done] = Changed, ["isComplete"] = isComplete };
            if (needsEntry) json["damaged"] = damaged + partitions.Left;
            command.Screen.Json(json);
        }
    }

    private readonly record struct Found(string Id, LetterPlace Place, bool IsUnreadable);
}
