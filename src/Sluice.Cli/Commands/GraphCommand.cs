using Sluice.Cli.Graphs;
using Sluice.Flows;

namespace Sluice.Cli.Commands;

/// <summary><c>sluice graph ASSEMBLY|STORE</c>.</summary>
internal static class GraphCommand
{
    private static readonly Option<string> Run = new("--run") { HelpName = "RUN", Description = "Of a store: the flow of this run." };

    private static readonly Option<string> Member = new("--member")
    {
        HelpName = "NAME",
        Description = "Of an assembly: the member whose graph is drawn, such as Shop.Flows.Orders. This runs the code of the member."
    };

    public static Command Create()
    {
        Command command = CommandRun.Create("graph", "Draws the flows that a store knows, or a graph that an assembly has.", RunAsync,
            isPaged: true, PictureFormat.Option, Run, Member);
        command.Arguments[0].Description = "A store (sqlite:FILE, redis:HOST:PORT, postgres:CONNECTION, a name from sluice.json), "
            + "or an assembly (FILE.dll).";
        return command;
    }

    private static async Task<int> RunAsync(CommandRun command)
    {
        string format = PictureFormat.Of(command), given = command.Given;
        bool isAssembly = IsAssembly(given);
        if (isAssembly && command.Value(Run) is not null) throw CommandException.Usage("--run is for stores: an assembly has --member.");
        if (!isAssembly && command.Value(Member) is not null)
            throw CommandException.Usage("--member is for assemblies: a store has --run.");
        return isAssembly ? OfAssembly(command, given, format) : await OfStoreAsync(command, format);
    }

    private static bool IsAssembly(string given)
        => (given.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) || given.EndsWith(".exe", StringComparison.OrdinalIgnoreCase))
            && !given.StartsWith("sqlite:", StringComparison.Ordinal) && !given.StartsWith("redis:", StringComparison.Ordinal)
            && !given.StartsWith("postgres:", StringComparison.Ordinal);

    private static int OfAssembly(CommandRun command, string file, string format)
    {
        IReadOnlyList<GraphMember> members = AssemblyMembers.Read(file);
        if (command.Value(Member) is { } name)
        {
            GraphDrawing.Write(command.Screen, ReadMember(file, AssemblyMembers.Find(file, members, name)), format);
            return ExitCodes.Fine;
        }
        if (command.Screen.IsJson) command.Screen.Json(members);
        else if (members.Count == 0)
            command.Screen.Line("no graphs: the assembly has no static field, property or method without parameters that is a pipeline, a "
                + "graph, a flow or a topology");
        else
        {
            command.Screen.Table(["MEMBER", "TYPE"], [.. members.Select(static one => (string[])[one.Name, one.Type])]);
            command.Screen.Line("--member NAME draws one of them, and runs its code.");
        }
        return ExitCodes.Fine;
    }

    // Standard output has the picture only: what the member's code prints goes to standard error.
    private static object ReadMember(string file, GraphMember member)
    {
        TextWriter output = Console.Out;
        Console.SetOut(Console.Error);
        try
        {
            return MemberGraph.Read(file, member);
        }
        finally
        {
            Console.SetOut(output);
        }
    }

    private static async Task<int> OfStoreAsync(CommandRun command, string format)
    {
        await using IStreamStore store = await command.OpenAsync();
        // Runs of one flow have one picture.
        Dictionary<string, List<FlowRunInfo>> flows = new(StringComparer.Ordinal);
        await foreach (FlowRunInfo run in RunsAsync(command, store))
        {
            if (run.Topology is not { } topology) continue;
            string picture = topology.ToDot();
            if (!flows.TryGetValue(picture, out List<FlowRunInfo>? runs)) flows.Add(picture, runs = []);
            runs.Add(run);
        }
        FlowRunInfo[] latest = [.. flows.Values.Select(static runs => runs.MaxBy(static run => run.StartedAt)!)
            .OrderBy(static run => run.Run, StringComparer.Ordinal)];
        Screen screen = command.Screen;
        if (screen.IsJson)
            screen.Json(latest.Select(run => GraphDrawing.Form(run.Topology!, run.Run)));
        else if (latest.Length == 0)
            screen.Line("no flows: a store knows the graphs of flows that were run; graphs of pipelines are in assemblies");
        else if (latest.Length > 1 && format != PictureFormat.Text)
            throw CommandException.Usage($"The store has {Clean.Count(latest.Length)} flows, and one picture has one of them: --run "
                + $"{string.Join(", --run ", latest.Take(5).Select(static run => run.Run))}{(latest.Length > 5 ? ", …" : "")}.");
        else
            foreach (FlowRunInfo run in latest)
            {
                if (format == PictureFormat.Text)
                    screen.Line($"flow of {Runs(flows[run.Topology!.ToDot()].Count)}, the last is {Clean.Text(run.Run)}:");
                GraphDrawing.Write(screen, run.Topology!, format);
            }
        return command.Ended;
    }

    private static async IAsyncEnumerable<FlowRunInfo> RunsAsync(CommandRun command, IStreamStore store)
    {
        if (command.Value(Run) is { } wanted) yield return await FlowCommands.FindAsync(command, store, wanted);
        else
            await foreach (FlowRunInfo run in FlowInspector.ListAsync(store, command.WarnOfDamage, command.Cancellation)) yield return run;
    }

    private static string Runs(int count) => count == 1 ? "1 run" : $"{Clean.Count(count)} runs";
}
