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
        StoreInspector inspector = command.Inspect(store);
        (string prefix, string? after) = (command.Value(Prefix) ?? "", command.Value(After));
        if (command.Screen.IsJson)
        {
            List<StreamForm> forms = [];
            await foreach (StreamLook stream in inspector.LookAllAsync(prefix, after, command.Cancellation))
                forms.Add(StreamForm.Of(stream));
            command.Screen.Json(forms);
            return command.Ended;
        }
        IReadOnlyList<StreamLook> found = await inspector.LookAsync(prefix, after, cancellation: command.Cancellation);
        if (found.Count == 0) command.Screen.Line("no streams");
        else command.Screen.Table(["NAME", "KIND", ">KEPT", ">SIZE", ">BACKLOG", ">WAITING", ">DEAD", "STATE"], [.. found.Select(Row)]);
        if (found.Count == StoreInspector.MaxPage
            && (await inspector.LookAsync(prefix, found[^1].Name, 1, command.Cancellation)).Count > 0)
            command.Screen.Line($"The first {Clean.Count(found.Count)}; more with --after '{Clean.Text(found[^1].Name)}'.");
        return command.Ended;
    }

    private static string[] Row(StreamLook stream) =>
    [
        stream.Name, StreamForm.KindOf(stream), Clean.Count(stream.Info.Items), Clean.Size(stream.Info.Bytes),
        Clean.Count(StreamForm.BacklogOf(stream)), Clean.Count(stream.Groups.Sum(static group => group.Backlog.Waiting)),
        Clean.Count(stream.Dead), StreamForm.ShownStateOf(stream),
    ];
}
