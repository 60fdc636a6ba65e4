using System.Diagnostics;
using System.Globalization;

namespace Sluice.Bench;

/// <summary>
/// Texts of 1 KB through a function in two Python processes and back, in lists and one by one. The rival does the same with the same
/// function in a Python program. Each variant is measured from outside, and so with the start and end of all its Python processes: of ours
/// the two children, of the rival the program and the two processes of its pool.
/// </summary>
internal static class PythonMaps
{
    private const string Rival = "pool";
    private const int ItemLetters = 1024, NumberLetters = 12, Children = 2;

    private static readonly string Fill = new('x', ItemLetters - NumberLetters);
    private static readonly string Functions = Path.Combine(AppContext.BaseDirectory, "Python");
    private static readonly PythonStageOptions Options = new() { Python = new() { ImportPaths = [Package(), Functions] } };

    public static Scenario Scenario { get; } = new("python-map",
        "1 KB texts through a Python function in 2 child processes and back; against multiprocessing.Pool(2).imap(chunksize=64)",
    [
        new Comparison("python-map", 400_000, 100_000, Numbers.ExpectedSum,
        [
            Variant.OfTask(Variant.Ours,
                count => OursAsync(count, Python.Batch<string, string>("bench_stages:swap_all", options: Options))),
            Variant.OfTask("single", count => OursAsync(count, Python.Map<string, string>("bench_stages:swap", Options))),
            Variant.OfTask(Rival, PoolAsync),
        ]) { WarmCount = 50_000 },
    ]);

    private static async Task<double> OursAsync(long count, Pipe<string, string> function)
    {
        long sum = 0;
        await (Source.Range(0, count) | (n => string.Create(CultureInfo.InvariantCulture, $"{Fill}{n:D12}"))
            | function | Stage.Parallel(Children)
            | (text => { sum += long.Parse(text.AsSpan(0, NumberLetters), CultureInfo.InvariantCulture); })).RunAsync();
        return sum;
    }

    private static async Task<double> PoolAsync(long count)
    {
        var start = new ProcessStartInfo(Options.Python.Interpreter,
            [Path.Combine(Functions, "bench_pool.py"), $"{count}", $"{Children}", $"{ItemLetters}"])
        { RedirectStandardOutput = true };
        using Process pool = Process.Start(start)!;
        string said = await pool.StandardOutput.ReadToEndAsync();
        await pool.WaitForExitAsync();
        if (pool.ExitCode != 0) throw new InvalidOperationException($"The pool has ended with exit code {pool.ExitCode}.");
        return double.Parse(said, CultureInfo.InvariantCulture);
    }

    /// <summary>The folder of this repository that has the Python package.</summary>
    public static string Package()
    {
        DirectoryInfo at = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Sluice.slnx")))
            at = at.Parent ?? throw new InvalidOperationException("The Python package is in the repository: run the bench there.");
        return Path.Combine(at.FullName, "clients", "python");
    }
}
