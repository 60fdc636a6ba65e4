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
    private bool areIds;

    /// <summary>The number of letters that the store has acknowledged.</summary>
    public int Changed { get; private set; }

    /// <summary>The number of letters of the filter that were left, because they are damaged.</summary>
    public int Damaged { get; private set; }

    /// <summary>Changes letters by their numbers, or by the ids of their items.</summary>
    public Task ChangeAsync(string[] ids, bool ignoreMissing) => ReportAsync(async () =>
    {
        areIds = true;
        List<long> numbers = [];
        ILookup<string, Found> found = await FindAsync(ids);
        foreach (string id in ids)
        {
            if (needsEntry && found[id].Any(static letter => letter.IsUnreadable))
                throw CommandException.NotFound($"The dead letter {id} is damaged, and cannot be {done}. Restore the store from a "
                    + "backup, or discard the letter. Nothing was changed.");
            if (!ignoreMissing && !found.Contains(id))
                throw CommandException.NotFound($"The consecutor '{GroupNames.Of(group)}' has no dead letter {id}. Nothing was changed.");
            numbers.AddRange(found[id].Select(static letter => letter.Number));
        }
        foreach (long[] some in numbers.Distinct().Chunk(Step)) await ChangeAsync(some);
    });

    /// <summary>Changes the letters that a filter selects. A letter that dies again meanwhile died too late, and is left.</summary>
    public Task ChangeAsync(DeadLetterFilter filter) => ReportAsync(async () =>
    {
        DeadLetterFilter selected = filter with
        {
            Before = (await store.GetTimeAsync(command.Cancellation)).AddTicks(1)
        };
        List<long> numbers = [];
        await foreach (StoredDeadLetter letter in inspector.ReadDeadLettersAsync(group, selected, cancellation: command.Cancellation))
        {
            if (needsEntry && letter.IsUnreadable) Damaged++;
            else numbers.Add(letter.Number);
            if (numbers.Count < Step) continue;
            await ChangeAsync([.. numbers]);
            numbers.Clear();
        }
        if (numbers.Count > 0) await ChangeAsync([.. numbers]);
    });

    private async Task<ILookup<string, Found>> FindAsync(string[] ids)
    {
        List<Found> found = [];
        await foreach ((string id, StoredDeadLetter letter) in inspector.FindDeadLettersAsync(group, ids, command.Cancellation))
            found.Add(new(id, letter.Number, letter.IsUnreadable));
        return found.ToLookup(static letter => letter.Id, StringComparer.Ordinal);
    }

    private async Task ChangeAsync(long[] numbers) => Changed += await change(store, group, numbers, command.Cancellation);

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
            + $"command{(areIds ? " with --ignore-missing" : "")}: letters that were {done} are not {done} again.");
    }

    private void Write(bool isComplete)
    {
        if (command.Screen.IsJson)
        {
            var json = new Dictionary<string, object> { [done] = Changed, ["isComplete"] = isComplete };
            if (needsEntry) json["damaged"] = Damaged;
            command.Screen.Json(json);
        }
    }

    private readonly record struct Found(string Id, long Number, bool IsUnreadable);
}
