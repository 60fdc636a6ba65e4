using Sluice.Cli.Output;

namespace Sluice.Cli.Commands;

/// <summary><c>sluice pause</c> and <c>sluice resume</c>.</summary>
internal static class PauseCommand
{
    private static readonly Argument<string> Name = new("NAME")
    {
        Description = "The consecutor; or STREAM:GROUP, as sluice top shows it."
    };

    public static Command Pause() => CommandRun.Create("pause",
        "Pauses a consecutor in all processes: no member begins an item until it is resumed.", command => RunAsync(command, isPaused: true),
        Name);

    public static Command Resume() => CommandRun.Create("resume", "Ends the pause of a consecutor in all processes.",
        command => RunAsync(command, isPaused: false), Name);

    private static async Task<int> RunAsync(CommandRun command, bool isPaused)
    {
        GroupId group;
        DateTimeOffset? before;
        await using (IStreamStore looked = await command.OpenAsync())
            (group, before) = await FindAsync(command, looked, command.Value(Name));
        await using (IStreamStore store = await command.OpenToChangeAsync())
            await store.PauseGroupAsync(group, isPaused, command.Cancellation);
        if (command.Screen.IsJson)
            command.Screen.Json(new { group.Stream, Group = group.Name, IsPaused = isPaused, WasPaused = before is not null });
        else
            command.Screen.Line($"{Clean.Text(command.Value(Name))} " + (isPaused, before) switch
            {
                (true, null) => "is paused: no member begins an item until it is resumed",
                (true, { } since) => $"was paused already, since {Clean.Time(since)}",
                (false, null) => "was not paused",
                _ => "is resumed",
            });
        return ExitCodes.Fine;
    }

    // Names may contain colons: each may be the one between stream and group.
    private static async Task<(GroupId Group, DateTimeOffset? PausedAt)> FindAsync(CommandRun command, IStreamStore store, string name)
    {
        if (await GroupAsync(name, name) is { } own) return own;
        for (int colon = name.IndexOf(':', StringComparison.Ordinal); colon >= 0; colon = name.IndexOf(':', colon + 1))
            if (await GroupAsync(name[..colon], name[(colon + 1)..]) is { } group) return group;
        throw CommandException.NotFound(await store.FindStreamAsync(name, command.Cancellation) is null
            ? $"The store has no consecutor '{name}'. Nothing was changed."
            : $"The stream '{name}' belongs to no consecutor. Nothing was changed. A group of a stream is STREAM:GROUP.");

        async Task<(GroupId, DateTimeOffset?)?> GroupAsync(string stream, string group)
        {
            if (stream.Length == 0 || group.Length == 0) return null;
            StreamInfo? found = await store.FindStreamAsync(stream, command.Cancellation);
            return found?.Groups.FirstOrDefault(one => one.Name == group) is { } backlog ? (new(stream, group), backlog.PausedAt) : null;
        }
    }
}
