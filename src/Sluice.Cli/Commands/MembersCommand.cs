namespace Sluice.Cli.Commands;

/// <summary><c>sluice members STORE [NAME]</c>.</summary>
internal static class MembersCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private static readonly Argument<string?> Name = new("NAME")
    {
        Description = "The consecutor or stream, or STREAM:GROUP; all if it is not given.",
        Arity = ArgumentArity.ZeroOrOne
    };

    private static readonly Option<bool> Now = new("--now")
    {
        Description = "Do not wait until it is known which members are alive."
    };

    public static Command Create()
        => CommandRun.Create("members", "Lists members of groups, and waits until it is known whether they are alive.", RunAsync,
            isPaged: true, Name, Now);

    private static async Task<int> RunAsync(CommandRun command)
    {
        await using IStreamStore store = await command.OpenAsync();
        StoreInspector inspector = command.Inspect(store);
        List<GroupId> groups = await GroupsAsync(command, store, inspector);
        List<GroupLook> looks = await LookAsync(command, inspector, groups);
        while (!command.Value(Now) && looks.Any(static look => look.Members.Any(static member => member.Status == MemberStatus.Unknown)))
        {
            await Task.Delay(Pause, TimeProvider.System, command.Cancellation);
            looks = await LookAsync(command, inspector, groups);
        }
        Write(command.Screen, looks);
        return command.Ended;
    }

    private static void Write(Screen screen, List<GroupLook> looks)
    {
        var members = looks.SelectMany(static look => look.Members.Select(member => (look.Group, Member: member))).ToList();
        if (screen.IsJson)
        {
            screen.Json(members.Select(static one => new
            {
                Stream = one.Group.Stream,
                Group = one.Group.Name,
                one.Member.Name,
                one.Member.Status,
                one.Member.Instance,
                LeaseSeconds = one.Member.LeaseDuration?.TotalSeconds,
                one.Member.Partitions,
            }));
            return;
        }
        if (members.Count == 0)
        {
            screen.Line("no members");
            return;
        }
        screen.Table(["STREAM", "GROUP", "MEMBER", "STATUS", ">PARTITIONS", ">LEASE"], [.. members.Select(static one => (string[])
        [
            one.Group.Stream, one.Group.Name, one.Member.Name, TextOf(one.Member.Status), $"{one.Member.Partitions}",
            one.Member.LeaseDuration is { } lease ? Clean.Span(lease) : "-",
        ])]);
        if (members.Any(static one => one.Member.Status == MemberStatus.NoHeartbeats))
        {
            screen.Line("\"owner only\": the member has left, or the store keeps heartbeats in the memory of its process (SQLite).");
            if (members.Any(static one => IsStarters(one.Group) && one.Member.Status == MemberStatus.NoHeartbeats))
                screen.Line("The starter of a run leaves its group when all inputs of the run are in.");
        }
    }

    // The group of the journal of a run; a consecutor may have this name.
    private static bool IsStarters(GroupId group) => group.Name == "starter" && StreamForm.IsRun(group.Stream);

    private static string TextOf(MemberStatus status) => status switch
    {
        MemberStatus.Alive => "alive",
        MemberStatus.Silent => "silent",
        MemberStatus.NoHeartbeats => "owner only",
        _ => "unknown",
    };

    private static async Task<List<GroupLook>> LookAsync(CommandRun command, StoreInspector inspector, List<GroupId> groups)
    {
        bool isList = command.Value(Name) is null;             // the damage of a group that the user has named is a failure
        List<GroupLook> looks = [];
        foreach (GroupId group in groups)
            if (await (isList ? command.LookAsync(group, () => FindAsync(group)) : FindAsync(group)) is { } look) looks.Add(look);
        return looks;

        Task<GroupLook?> FindAsync(GroupId group) => inspector.FindGroupAsync(group, command.Cancellation);
    }

    private static async Task<List<GroupId>> GroupsAsync(CommandRun command, IStreamStore store, StoreInspector inspector)
    {
        if (command.Value(Name) is { } name)
        {
            if (await inspector.FindAsync(name, command.Cancellation) is { } stream)
                return [.. stream.Groups.Select(group => new GroupId(name, group.Backlog.Name))];
            if (name.Contains(':', StringComparison.Ordinal)) return [(await GroupNames.FindAsync(command, store, name)).Group];
            throw CommandException.NotFound(
                $"The store has no stream '{name}'.{await NearNamesOfStore.StreamsAsync(command, store, name)}");
        }
        List<GroupId> groups = [];
        await foreach (StreamLook stream in inspector.LookAllAsync(cancellation: command.Cancellation))
            groups.AddRange(stream.Groups.Select(group => new GroupId(stream.Name, group.Backlog.Name)));
        return groups;
    }
}
