namespace Sluice.Cli.Stores;

/// <summary>The names of groups, as <c>sluice top</c> shows them: the name of a consecutor, or STREAM:GROUP.</summary>
internal static class GroupNames
{
    /// <summary>Returns the name of a group.</summary>
    public static string Of(GroupId group) => group.Name == group.Stream ? group.Name : $"{group.Stream}:{group.Name}";

    /// <summary>Finds a group by its name.</summary>
    /// <param name="command">The command.</param>
    /// <param name="store">The store.</param>
    /// <param name="name">The name. It may contain colons: each may be the one between stream and group.</param>
    /// <param name="also">A sentence for the error, with a space before it.</param>
    /// <exception cref="CommandException">The store has no such group.</exception>
    public static async Task<(GroupId Group, GroupBacklog Backlog)> FindAsync(CommandRun command, IStreamStore store, string name,
        string also = "")
    {
        if (await GroupAsync(name, name) is { } own) return own;
        for (int colon = name.IndexOf(':', StringComparison.Ordinal); colon >= 0; colon = name.IndexOf(':', colon + 1))
            if (await GroupAsync(name[..colon], name[(colon + 1)..]) is { } group) return group;
        throw CommandException.NotFound(await store.FindStreamAsync(name, command.Cancellation) is null
            ? $"The store has no consecutor '{name}'.{also}{await NearNamesOfStore.ConsecutorsAsync(command, store, name)}"
            : $"The stream '{name}' belongs to no consecutor.{also} A group of a stream is STREAM:GROUP.");

        async Task<(GroupId, GroupBacklog)?> GroupAsync(string stream, string group)
        {
            if (stream.Length == 0 || group.Length == 0) return null;
            StreamInfo? found = await store.FindStreamAsync(stream, command.Cancellation);
            if (found?.Groups.FirstOrDefault(one => one.Name == group) is not { } backlog) return null;
            var id = new GroupId(stream, group);
            command.Group = id;
            return (id, backlog);
        }
    }
}
