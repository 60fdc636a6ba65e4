using Sluice.Cli.Graphs;
using Sluice.Flows;

namespace Sluice.Cli.Commands;

/// <summary><c>sluice flows STORE</c> and <c>sluice flow STORE RUN</c>.</summary>
internal static class FlowCommands
{
    private static readonly Argument<string> Run = new("RUN") { Description = "The id of the run." };

    public static Command List() => CommandRun.Create("flows", "Lists the runs of flows.", ListAsync, isPaged: true);

    public static Command Show() => CommandRun.Create("flow", "Draws a run of a flow with its progress.", ShowAsync,
        isPaged: true, Run, PictureFormat.Option);

    private static async Task<int> ListAsync(CommandRun command)
    {
        await using IStreamStore store = await command.OpenAsync();
        List<FlowRunInfo> runs = [];
        await foreach (FlowRunInfo run in FlowInspector.ListAsync(store, command.WarnOfDamage, command.Cancellation))
            runs.Add(run);
        if (command.Screen.IsJson) command.Screen.Json(runs.Select(static run => new ListedFlow(run)));
        else if (runs.Count == 0) command.Screen.Line("no runs of flows");
        else
            command.Screen.Table(["RUN", "STATUS", "STARTED BY", "STARTED AT", "ENDED AT", ">PROCESSORS", "FAILED FIRST"],
            [.. runs.Select(static run => (string[])
            [
                run.Run, TextOf(run.Status), run.StartedBy, Clean.Time(run.StartedAt), run.EndedAt is { } ended ? Clean.Time(ended) : "-",
                $"{run.Processors.Count(static processor => processor.Status > FlowStatus.Running)}/{run.Processors.Count}",
                run.Processors.FirstOrDefault(static processor => processor.Origin is not null)?.Origin ?? "",
            ])]);
        return command.Ended;
    }

    private static async Task<int> ShowAsync(CommandRun command)
    {
        string format = PictureFormat.Of(command);
        await using IStreamStore store = await command.OpenAsync();
        FlowRunInfo run = await FindAsync(command, store, command.Value(Run));
        if (command.Screen.IsJson)
        {
            command.Screen.Json(new ShownFlow(run));
            return ExitCodes.Fine;
        }
        PictureFormat.Write(command.Screen, run, format);
        if (format != PictureFormat.Text) return ExitCodes.Fine;
        foreach (ProcessorInfo processor in run.Processors)
            if ((processor.Error ?? processor.LastFailure) is { } error)
                command.Screen.Problem($"{Clean.Text(processor.Name)}: {Clean.Text(error)}");
        return ExitCodes.Fine;
    }

    /// <summary>Finds a run by its id.</summary>
    /// <exception cref="CommandException">The store has no such run.</exception>
    public static async Task<FlowRunInfo> FindAsync(CommandRun command, IStreamStore store, string id)
    {
        try
        {
            if (await FlowInspector.FindAsync(store, id, command.Cancellation) is { } run) return run;
        }
        catch (ArgumentException)
        {
            // No run has such an id.
        }
        throw CommandException.NotFound($"The store has no run '{id}'.{await NearNamesOfStore.RunsAsync(command, store, id)}");
    }

    private static string TextOf(FlowStatus status) => status.ToString().ToLowerInvariant();
}
