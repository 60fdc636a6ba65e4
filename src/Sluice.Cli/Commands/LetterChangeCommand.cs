namespace Sluice.Cli.Commands;

/// <summary><c>sluice redrive</c> and <c>sluice discard</c>.</summary>
internal static class LetterChangeCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "The consecutor, or STREAM:GROUP." };

    private static readonly Argument<string[]> Ids = new("ID")
    {
        Description = "Numbers of letters, or ids of items.",
        Arity = ArgumentArity.ZeroOrMore
    };

    private static readonly Option<bool> IgnoreMissing = new("--ignore-missing")
    {
        Description = "Leave out ids of letters that do not exist, as in a repeat of a command that was broken off."
    };

    private static readonly Option<bool> All = new("--all") { Description = "All letters of the consecutor." };

    public static Command Redrive() => Create("redrive", "Gives dead letters back to their consecutor, with all attempts.", "redriven",
        static (store, group, numbers, cancellation) => store.RedriveAsync(group, numbers, cancellation));

    public static Command Discard() => Create("discard", "Deletes dead letters.", "discarded",
        static (store, group, numbers, cancellation) => store.DeleteDeadAsync(group, numbers, cancellation));

    private static Command Create(string verb, string description, string done, LetterChange change)
        => CommandRun.Create(verb, description, command => RunAsync(command, verb, done, change), Name, Ids, LetterOptions.Node,
            LetterOptions.Error, LetterOptions.Since, All, IgnoreMissing);

    private static async Task<int> RunAsync(CommandRun command, string verb, string done, LetterChange change)
    {
        string[] ids = command.Value(Ids);
        bool isFiltered = LetterOptions.AreGiven(command);
        if (ids.Length > 0 == (isFiltered || command.Value(All)))
            throw CommandException.Usage($"sluice {verb} needs either ids of letters, or --node, --error, --since or --all.");
        if (ids.Length == 0 && command.Value(IgnoreMissing))
            throw CommandException.Usage("--ignore-missing is for ids of letters: without ids, there are none that could be missing.");
        // Nothing is created or changed for a name that does not exist.
        GroupId group;
        string wait = "";
        await using (IStreamStore looked = await command.OpenAsync())
        {
            (group, GroupBacklog backlog) = await GroupNames.FindAsync(command, looked, command.Value(Name));
            if (verb == "redrive") wait = await WhyTheyWaitAsync(command, looked, group, backlog);
        }
        await using IStreamStore store = await command.OpenToChangeAsync();
        var changes = new LetterChanges(command, store, group, done, change, needsEntry: verb == "redrive");
        if (ids.Length > 0) await changes.ChangeAsync(ids, command.Value(IgnoreMissing));
        else await changes.ChangeAsync(await LetterOptions.FilterAsync(command, store));
        if (!command.Screen.IsJson)
            command.Screen.Line($"{Clean.Count(changes.Changed)} {(changes.Changed == 1 ? "letter" : "letters")} {done}{changes.Left}"
                + (changes.Changed == 0 ? await OtherNodesAsync(command, store, group) : wait));
        return changes.Changed > 0 ? ExitCodes.Fine : ExitCodes.Found;
    }

    // Redriven letters are no letters any more: an operator who does not know that they wait does not find them.
    private static async Task<string> WhyTheyWaitAsync(CommandRun command, IStreamStore store, GroupId group, GroupBacklog backlog)
    {
        string name = Clean.Text(GroupNames.Of(group));
        if (backlog.PausedAt is { } since)
            return $"; {name} is {(backlog.IsDraining ? "drained" : "paused")} since {Clean.Time(since)}, and begins nothing until it is "
                + "resumed";
        return await store.FindGroupAsync(group, command.Cancellation) is { Members.Count: > 0 } ? ""
            : $"; no process runs {name}, so nothing is processed until one does";
    }

    // A node that has no letters may be a misspelt one.
    private static async Task<string> OtherNodesAsync(CommandRun command, IStreamStore store, GroupId group)
    {
        if (command.Value(LetterOptions.Node) is not { } node) return "";
        string[] nodes = await new StoreInspector(store).ReadDeadLettersAsync(group, cancellation: command.Cancellation)
            .Take(StoreInspector.MaxPage).Select(static letter => letter.Node).Distinct(StringComparer.Ordinal)
            .ToArrayAsync(command.Cancellation);
        return nodes.Length == 0 || nodes.Contains(node) ? ""
            : Clean.Text($": none failed in '{node}', but in {string.Join(", ", nodes.Take(10).Select(static other => $"'{other}'"))}");
    }
}
