using Sluice.Cli.Output;

namespace Sluice.Cli.Commands;

/// <summary><c>sluice redrive</c> and <c>sluice discard</c>.</summary>
internal static class LetterChangeCommand
{
    private const int Page = 100;                    // small steps: a consecutor notices each one

    private static readonly Argument<string> Name = new("NAME") { Description = "The consecutor." };

    private static readonly Argument<string[]> Ids = new("ID")
    {
        Description = "Numbers of letters, or ids of items.",
        Arity = ArgumentArity.ZeroOrMore
    };

    private static readonly Option<bool> All = new("--all") { Description = "All letters of the consecutor." };

    public static Command Redrive() => Create("redrive", "Gives dead letters back to their consecutor, with all attempts.", "redriven",
        static (store, group, numbers, cancellation) => store.RedriveAsync(group, numbers, cancellation));

    public static Command Discard() => Create("discard", "Deletes dead letters.", "discarded",
        static (store, group, numbers, cancellation) => store.DeleteDeadAsync(group, numbers, cancellation));

    private static Command Create(string verb, string description, string done,
        Func<IStreamStore, GroupId, IReadOnlyList<long>, CancellationToken, ValueTask<int>> change)
        => CommandRun.Create(verb, description, command => RunAsync(command, verb, done, change), Name, Ids, LetterOptions.Node,
            LetterOptions.Error, LetterOptions.Since, All);

    private static async Task<int> RunAsync(CommandRun command, string verb, string done,
        Func<IStreamStore, GroupId, IReadOnlyList<long>, CancellationToken, ValueTask<int>> change)
    {
        string[] ids = command.Value(Ids);
        bool isFiltered = LetterOptions.AreGiven(command);
        if (ids.Length > 0 == (isFiltered || command.Value(All)))
            throw CommandException.Usage($"sluice {verb} needs either ids of letters, or --node, --error, --since or --all.");
        // Nothing is created or changed for a name that does not exist.
        GroupId group;
        await using (IStreamStore looked = await command.OpenAsync())
            group = await LetterOptions.GroupAsync(command, looked, command.Value(Name));
        await using IStreamStore store = await command.OpenToChangeAsync();
        int changed = ids.Length > 0
            ? await ChangeAsync(command, store, group, ids, change)
            : await ChangeAsync(command, store, group, await LetterOptions.FilterAsync(command, store), change);
        if (command.Screen.IsJson) command.Screen.Json(new Dictionary<string, int> { [done] = changed });
        else command.Screen.Line($"{Clean.Count(changed)} {(changed == 1 ? "letter" : "letters")} {done}");
        return changed > 0 ? ExitCodes.Fine : ExitCodes.Found;
    }

    private static async Task<int> ChangeAsync(CommandRun command, IStreamStore store, GroupId group, string[] ids,
        Func<IStreamStore, GroupId, IReadOnlyList<long>, CancellationToken, ValueTask<int>> change)
    {
        var inspector = new StoreInspector(store);
        List<long> numbers = [];
        foreach (string id in ids)
            numbers.Add((await inspector.FindDeadLetterAsync(group, id, command.Cancellation)
                ?? throw CommandException.NotFound($"The consecutor '{group.Stream}' has no dead letter {id}. Nothing was changed."))
                .Number);
        int changed = 0;
        foreach (long[] some in numbers.Distinct().Chunk(Page)) changed += await change(store, group, some, command.Cancellation);
        return changed;
    }

    // A letter that dies again meanwhile died later than the begin, and is left.
    private static async Task<int> ChangeAsync(CommandRun command, IStreamStore store, GroupId group, DeadLetterFilter filter,
        Func<IStreamStore, GroupId, IReadOnlyList<long>, CancellationToken, ValueTask<int>> change)
    {
        var inspector = new StoreInspector(store);
        DeadLetterFilter selected = filter with
        {
            Before = (await store.GetTimeAsync(command.Cancellation)).AddTicks(1)
        };
        int changed = 0;
        for (long after = 0; ;)
        {
            IReadOnlyList<StoredDeadLetter> page = await inspector.ListDeadLettersAsync(group, selected, after, Page, command.Cancellation);
            if (page.Count == 0) return changed;
            changed += await change(store, group, [.. page.Select(static letter => letter.Number)], command.Cancellation);
            after = page[^1].Number;
        }
    }
}
