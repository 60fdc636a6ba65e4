namespace Sluice.Cli.Commands;

/// <summary><c>sluice dead STORE [NAME]</c> and <c>sluice dead show STORE NAME ID</c>.</summary>
internal static class DeadCommand
{
    private static readonly Argument<string?> Name = new("NAME")
    {
        Description = "The consecutor, or STREAM:GROUP; all if it is not given.",
        Arity = ArgumentArity.ZeroOrOne
    };

    private static readonly Argument<string> One = new("NAME") { Description = "The consecutor, or STREAM:GROUP." };
    private static readonly Argument<string> Id = new("ID") { Description = "The number of the letter, or the id of its item." };

    private static readonly Option<int> Max = NumberOption.Of("--max", "N",
        "The maximum number of letters of a consecutor; 1 to 1000.", 100);

    private static readonly Option<long> After = NumberOption.Of("--after", "NUMBER", "Continue behind the letter with this number.", 0L);

    public static Command Create()
    {
        Command command = CommandRun.Create("dead", "Lists dead letters.", ListAsync, isPaged: true, Name,
            LetterOptions.Node, LetterOptions.Error, LetterOptions.Since, Max, After);
        command.Subcommands.Add(CommandRun.Create("show", "Shows a dead letter with its payload.", ShowAsync, isPaged: true, One, Id));
        return command;
    }

    private static async Task<int> ListAsync(CommandRun command)
    {
        int max = command.Value(Max);
        if (max is < 1 or > StoreInspector.MaxPage) throw CommandException.Usage($"--max is 1 to {StoreInspector.MaxPage}, not {max}.");
        await using IStreamStore store = await command.OpenAsync();
        StoreInspector inspector = command.Inspect(store);
        DeadLetterFilter filter = await LetterOptions.FilterAsync(command, store);
        List<(GroupId Group, StoredDeadLetter Letter)> found = [];
        if (command.Value(Name) is { } name)
        {
            GroupId named = (await GroupNames.FindAsync(command, store, name)).Group;
            found.AddRange((await LettersAsync(named))!.Select(letter => (named, letter)));
        }
        else
        {
            foreach (GroupId group in await GroupsAsync(inspector, command.Cancellation))
                if (await command.LookAsync(group, () => LettersAsync(group)) is { } letters)
                    found.AddRange(letters.Select(letter => (group, letter)));
        }
        Write(command.Screen, found, max);
        return command.Ended;

        async Task<IReadOnlyList<StoredDeadLetter>?> LettersAsync(GroupId group)
            => await inspector.ListDeadLettersAsync(group, filter, command.Value(After), max, command.Cancellation);
    }

    private static void Write(Screen screen, List<(GroupId Group, StoredDeadLetter Letter)> found, int max)
    {
        if (screen.IsJson)
        {
            screen.Json(found.Select(static one => LetterForm.Of(one.Group, one.Letter)));
            return;
        }
        if (found.Count == 0)
        {
            screen.Line("no dead letters");
            return;
        }
        screen.Table(["CONSECUTOR", ">NUMBER", "ID", "NODE", ">ATTEMPTS", "DIED AT", "ERROR"], [.. found.Select(static one => (string[])
        [
            GroupNames.Of(one.Group), $"{one.Letter.Number}", one.Letter.Entry.ItemIdIn(one.Group.Stream, one.Letter.Partition),
            one.Letter.Node, $"{one.Letter.Attempts}", Clean.Time(one.Letter.DiedAt), one.Letter.Error,
        ])]);
        foreach (var group in found.GroupBy(static one => one.Group).Where(group => group.Count() == max))
            screen.Line($"{Clean.Text(GroupNames.Of(group.Key))} may have more: --after {group.Last().Letter.Number}.");
    }

    private static async Task<int> ShowAsync(CommandRun command)
    {
        await using IStreamStore store = await command.OpenAsync();
        GroupId group = (await GroupNames.FindAsync(command, store, command.Value(One))).Group;
        string id = command.Value(Id);
        StoredDeadLetter? letter = null;
        List<long> others = [];
        await foreach ((_, StoredDeadLetter found) in new StoreInspector(store).FindDeadLettersAsync(group, [id], command.Cancellation))
            if (letter is null) letter = found;
            else others.Add(found.Number);
        if (letter is null) throw CommandException.NotFound($"The consecutor '{GroupNames.Of(group)}' has no dead letter {id}.");
        Screen screen = command.Screen;
        if (screen.IsJson)
        {
            screen.Json(LetterForm.Of(group, letter) with { Others = others });
            return ExitCodes.Fine;
        }
        screen.Line($"number    {letter.Number}");
        screen.Line($"id        {Clean.Text(letter.Entry.ItemIdIn(group.Stream, letter.Partition))}");
        if (others.Count > 0) screen.Line($"others    {LetterForm.Join(others)}");
        screen.Line($"node      {Clean.Text(letter.Node)}");
        if (letter.Path.Length > 0) screen.Line($"path      {Clean.Text(letter.Path)}");
        screen.Line($"attempts  {letter.Attempts}");
        screen.Line($"accepted  {Clean.Time(letter.Entry.Time)}");
        screen.Line($"died      {Clean.Time(letter.DiedAt)}");
        screen.Line($"version   {letter.Entry.CodeVersion}");
        screen.Line(letter.IsUnreadable ? "payload   (damaged in the store; 'sluice check' says how)"
            : $"payload   {Clean.Payload(letter.Entry.Payload, int.MaxValue)}");
        if (!letter.IsUnreadable && Clean.JsonText(letter.Entry.Payload.Span) is { } text) screen.Line($"text      {Clean.Text(text)}");
        screen.Line($"error     {Clean.Text(letter.Error)}");
        foreach (string call in LetterForm.CallsOf(letter)) screen.Line($"call      {Clean.Text(call)}");
        return ExitCodes.Fine;
    }

    private static async Task<List<GroupId>> GroupsAsync(StoreInspector inspector, CancellationToken cancellation)
    {
        List<GroupId> groups = [];
        await foreach (StreamLook stream in inspector.LookAllAsync(cancellation: cancellation))
            groups.AddRange(stream.Groups.Where(static group => group.Backlog.Dead > 0)
                .Select(group => new GroupId(stream.Name, group.Backlog.Name)));
        return groups;
    }
}
