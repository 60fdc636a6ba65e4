namespace Sluice.Cli.Commands;

/// <summary><c>sluice streams STORE</c>.</summary>
internal static class StreamsCommand
{
    private static readonly Option<string> Prefix = new("--prefix") { HelpName = "TEXT", Description = "Only names that begin with it." };
    private static readonly Option<string> After = new("--after") { HelpName = "NAME", Description = "Continue behind this name." };

    public static Command Create()
        => CommandRun.Create("streams", "Lists consecutors and streams with their backlogs.", RunAsync, isPaged: true, Prefix, After);

    private static async Task<int> RunAsync(CommandRun command)
    {
        await using IStreamStore store = await command.OpenAsync();
        IReadOnlyList<StreamLook> found = await new StoreInspector(store).LookAsync(command.Value(Prefix) ?? "", command.Value(After),
            StoreInspector.MaxPage, command.Cancellation);
        if (command.Screen.IsJson)
        {
            command.Screen.Json(found.Select(StreamForm.Of));
            return ExitCodes.Fine;
        }
        if (found.Count == 0) command.Screen.Line("no streams");
        else command.Screen.Table(["NAME", "KIND", ">KEPT", ">SIZE", ">BACKLOG", ">WAITING", ">DEAD", "STATE"], [.. found.Select(Row)]);
        if (found.Count == StoreInspector.MaxPage)
            command.Screen.Line($"The first {Clean.Count(found.Count)}; more with --after '{Clean.Text(found[^1].Name)}'.");
        return ExitCodes.Fine;
    }

    private static string[] Row(StreamLook stream) =>
    [
        stream.Name, StreamForm.KindOf(stream), Clean.Count(stream.Info.Items), Clean.Size(stream.Info.Bytes),
        Clean.Count(StreamForm.BacklogOf(stream)), Clean.Count(stream.Groups.Sum(static group => group.Backlog.Waiting)),
        Clean.Count(stream.Dead), StreamForm.ShownStateOf(stream),
    ];
}
