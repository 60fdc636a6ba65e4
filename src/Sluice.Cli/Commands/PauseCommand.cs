namespace Sluice.Cli.Commands;

/// <summary><c>sluice pause</c>, <c>sluice drain</c> and <c>sluice resume</c>.</summary>
internal static class PauseCommand
{
    private static readonly Argument<string> Name = new("NAME")
    {
        Description = "The consecutor; or STREAM:GROUP, as sluice top shows it."
    };

    public static Command Pause() => CommandRun.Create("pause",
        "Pauses a consecutor in all processes: no member begins an item until it is resumed.", command => RunAsync(command, Hold.Pause),
        Name);

    public static Command Drain() => CommandRun.Create("drain",
        "Drains a consecutor: a pause in which members also release their partitions, so that its processes can be stopped.",
        command => RunAsync(command, Hold.Drain), Name);

    public static Command Resume() => CommandRun.Create("resume", "Ends the pause or the drain of a consecutor in all processes.",
        command => RunAsync(command, Hold.Resume), Name);

    private static async Task<int> RunAsync(CommandRun command, Hold hold)
    {
        GroupId group;
        GroupBacklog before;
        bool isRun;
        await using (IStreamStore looked = await command.OpenAsync())
        {
            (group, before) = await GroupNames.FindAsync(command, looked, command.Value(Name), " Nothing was changed.");
            isRun = await looked.FindGroupAsync(group, command.Cancellation) is { Members.Count: > 0 };
        }
        await using (IStreamStore store = await command.OpenToChangeAsync())
        {
            if (hold == Hold.Drain) await store.DrainGroupAsync(group, command.Cancellation);
            else await store.PauseGroupAsync(group, hold == Hold.Pause, command.Cancellation);
        }
        if (command.Screen.IsJson)
            command.Screen.Json(new
            {
                group.Stream,
                Group = group.Name,
                IsPaused = hold != Hold.Resume,
                WasPaused = before.PausedAt is not null,
                IsDraining = hold == Hold.Drain || (hold == Hold.Pause && before.IsDraining),
                WasDraining = before.IsDraining,
            });
        else command.Screen.Line($"{Clean.Text(command.Value(Name))} {Told(hold, before, isRun)}");
        return ExitCodes.Fine;
    }

    private static string Told(Hold hold, GroupBacklog before, bool isRun) => (hold, before.IsDraining, before.PausedAt) switch
    {
        (Hold.Resume, _, null) => "was not paused",
        (Hold.Resume, true, _) => "is resumed: the drain is undone",
        (Hold.Resume, _, _) => "is resumed",
        (_, true, { } since) => $"was draining already, since {Clean.Time(since)}",
        (Hold.Pause, _, { } since) => $"was paused already, since {Clean.Time(since)}",
        (Hold.Pause, _, _) => "is paused: no member begins an item until it is resumed",
        _ => isRun ? "drains: no member begins an item, and each releases its partitions until it is resumed. Watch it with "
            + "sluice members" : "is drained: no process runs it. None begins an item until it is resumed",
    };

    private enum Hold
    {
        Pause,
        Drain,
        Resume,
    }
}
