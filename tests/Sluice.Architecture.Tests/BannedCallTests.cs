using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Sluice.Architecture.Tests;

/// <summary>Time comes from a TimeProvider, and schedulers start all work. Otherwise tests could control neither. Connections are opened
/// outside of the caller's transaction.</summary>
public class BannedCallTests
{
    private const string Engine = "src/Sluice/Engine/";
    private const string Scheduling = "src/Sluice/Scheduling/";

    // A SQLite connection belongs to one thread, which waits for disks, so it is not a pool thread.
    private const string SqliteThreads = "src/Sluice.Sqlite/Writing/ src/Sluice.Sqlite/Reading/";

    // The command line waits for the end of the program that reads its output, in a call that nothing can cancel.
    private const string OutputThread = "src/Sluice.Cli/Output/OutputReader.cs";

    // The banned symbol, the alternative, and the folders where it is allowed.
    private static readonly (Func<UsedSymbol, bool> Matches, string Instead, string? AllowedIn)[] Rules =
    [
        (symbol => Is(symbol, "System.DateTime", "Now", "UtcNow", "Today") || Is(symbol, "System.DateTimeOffset", "Now", "UtcNow")
            || Is(symbol, "System.Environment", "TickCount", "TickCount64"), "ask the TimeProvider", null),
        (symbol => Is(symbol, "System.Diagnostics.Stopwatch", "GetTimestamp", "GetElapsedTime", "Frequency"),
            "ask the TimeProvider; only the engine measures its own rates with it", Engine),
        (symbol => IsOf(symbol, "System.Diagnostics.Stopwatch")
            && !Is(symbol, "System.Diagnostics.Stopwatch", "GetTimestamp", "GetElapsedTime", "Frequency"),
            "use TimeProvider.GetTimestamp and GetElapsedTime", null),
        (symbol => Is(symbol, "System.Threading.Tasks.Task", "Run") || Is(symbol, "System.Threading.Tasks.TaskFactory", "StartNew")
            || Is(symbol, "System.Threading.Thread", "Sleep")
            || IsOf(symbol, "System.Threading.ThreadPool"),
            "let a scheduler run it: only src/Sluice/Scheduling and src/Sluice/Engine start work", $"{Engine} {Scheduling}"),
        (symbol => Is(symbol, "System.Threading.Thread", ".ctor"),
            "let a scheduler run it: only src/Sluice/Scheduling and Sluice.Sqlite start threads",
                $"{Scheduling} {SqliteThreads} {OutputThread}"),
        (symbol => TakesTime(symbol) && !symbol.Parameters.Contains("System.TimeProvider"),
            "pass a TimeProvider", null),
        (symbol => Is(symbol, "System.Threading.Timer", ".ctor"),
            "use TimeProvider.CreateTimer; only the engine watches over real threads with it", Engine),
        (symbol => Is(symbol, "System.Timers.Timer", ".ctor"), "use TimeProvider.CreateTimer", null),
        (symbol => Is(symbol, "Npgsql.NpgsqlDataSource", "OpenConnectionAsync"),
            "use OpenOwnAsync, which takes no part in a transaction of the caller", "src/Sluice.PostgreSql/Connecting/Connections.cs"),
    ];

    [Fact]
    public void SourcesTakeTimeAndThreadsOnlyWhereAllowed()
    {
        var violations = Repository.Packages.Where(package => package != "Sluice.Generators")
            .SelectMany(package => Violations(SymbolUse.InPackage(package))).ToList();

        Assert.True(violations.Count == 0, $"{violations.Count} banned calls:\n{string.Join('\n', violations)}");
    }

    [Fact]
    public void EveryRuleFindsItsViolation()
    {
        const string Source =
            """
            class Bad
            {
                object a = DateTime.UtcNow;
                object b = System.Diagnostics.Stopwatch.GetTimestamp();
                object c = System.Diagnostics.Stopwatch.StartNew();
                object d = Task.Run(() => { });
                object e = Task.Delay(5);
                object f = Task.Delay(TimeSpan.Zero, TimeProvider.System);
                object g = new CancellationTokenSource(5);
                object h = new CancellationTokenSource();
                object i = Task.CompletedTask.WaitAsync(TimeSpan.Zero);
                object j = Task.CompletedTask.WaitAsync(CancellationToken.None);
                object k = new PeriodicTimer(TimeSpan.Zero);
                Timer l = new(_ => { });
                static Func<TimeSpan, Task> m = Task.Delay;
                object n = new Npgsql.NpgsqlDataSource().OpenConnectionAsync();
                Func<Task> o = async () => { await Task.Yield();
                    await Task.Delay(5); };
            }
            namespace Npgsql { class NpgsqlDataSource { public Task OpenConnectionAsync() => Task.CompletedTask; } }
            """;

        Assert.Equal([3, 4, 5, 6, 7, 9, 11, 13, 14, 15, 16, 18], Lines("src/Sluice/Pipelines/Bad.cs"));
        Assert.Equal([3, 5, 7, 9, 11, 13, 15, 16, 18], Lines("src/Sluice/Engine/Bad.cs"));

        IEnumerable<int> Lines(string path)
        {
            var compilation = Compiler.Compile("Bad", [(path, Source)], OutputKind.DynamicallyLinkedLibrary);
            Assert.Empty(Compiler.Errors(compilation));
            return Violations(SymbolUse.In(compilation)).Select(violation => int.Parse(violation.Split(':')[1])).Order();
        }
    }

    private static IEnumerable<string> Violations(IEnumerable<SymbolUse> uses) =>
        uses.SelectMany(use => Rules
            .Where(rule => rule.Matches(use.Symbol) && (rule.AllowedIn is null
            || !rule.AllowedIn.Split(' ').Any(folder => use.Path.StartsWith(folder, StringComparison.Ordinal))))
            .Select(rule => $"{use.Path}:{use.Line}: {use.Symbol}: {rule.Instead}"))
            .Distinct();

    // Methods that wait and have an overload with a TimeProvider.
    private static bool TakesTime(UsedSymbol method)
        => Is(method, "System.Threading.Tasks.Task", "Delay")
            || (Is(method, "System.Threading.CancellationTokenSource", ".ctor") && method.Parameters.Count > 0)
            || (method.Member == "WaitAsync" && method.Type.StartsWith("System.Threading.Tasks.", StringComparison.Ordinal)
                && method.Parameters.Contains("System.TimeSpan"))
            || Is(method, "System.Threading.PeriodicTimer", ".ctor");

    private static bool Is(UsedSymbol symbol, string type, params ReadOnlySpan<string> members)
        => IsOf(symbol, type) && members.Contains(symbol.Member);

    private static bool IsOf(UsedSymbol symbol, string type) => symbol.Member is not null && symbol.Type == type;
}
