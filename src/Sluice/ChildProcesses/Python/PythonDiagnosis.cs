using System.Diagnostics;

namespace Sluice.ChildProcesses;

/// <summary>What a Python interpreter says of itself, asked after a child did not start.</summary>
/// <param name="Version">Its version, for example <c>3.11</c>.</param>
/// <param name="IsOld">Whether it is older than the package <c>sluice</c> needs.</param>
/// <param name="HasPackage">Whether it finds the worker of the package <c>sluice</c>.</param>
/// <param name="Other">Where it finds another package of the name <c>sluice</c>; null if it finds none.</param>
internal sealed record PythonDiagnosis(string Version, bool IsOld, bool HasPackage, string? Other = null)
{
    private const int MaxAnswer = 4096;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    // Any Python can run the first lines.
    private const string Script = """
        import sys
        print("%d.%d" % sys.version_info[:2])
        print("new" if sys.version_info >= (3, 9) else "old")
        if sys.version_info >= (3, 9):
            from importlib.machinery import PathFinder
            from importlib.util import find_spec
            found = find_spec("sluice")
            places = list(found.submodule_search_locations or []) if found is not None else []
            print(PathFinder.find_spec("sluice.worker", places) is not None)
            if found is not None:
                print(found.origin or (places + [""])[0])
        """;

    /// <returns>What it has answered; null if it did not, or not in time. Never throws.</returns>
    /// <param name="program">How children are started.</param>
    /// <param name="life">Cancelled when nobody needs the answer any more.</param>
    public static async Task<PythonDiagnosis?> OfAsync(ChildProgram program, CancellationToken life)
    {
        var start = new ProcessStartInfo(program.Path!, ["-c", Script])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        foreach (var (name, value) in program.Environment) start.Environment[name] = value;
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Dispose();
            using var late = new TimeLimit(Limit, TimeProvider.System, life);
            try
            {
                process.ErrorDataReceived += static (_, _) => { };
                process.BeginErrorReadLine();        // what it says there was said before
                using StreamReader output = process.StandardOutput;
                string answer = await ReadAsync(output, late.Token).ConfigureAwait(false);
                string[] lines = answer.Split('\n', StringSplitOptions.TrimEntries);
                if (lines is [var old, "old", ..]) return new(old, true, false);
                // Without the last line it was ended before it knew.
                if (lines is not [var version, "new", "True" or "False", ..]) return null;
                bool hasPackage = lines[2] == "True";
                return new(version, false, hasPackage, hasPackage || lines is not [_, _, _, { Length: > 0 } other, ..] ? null : other);
            }
            finally
            {
                if (!process.HasExited) process.Kill();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException or Win32Exception)
        {
            return null;
        }
    }

    private static async Task<string> ReadAsync(StreamReader answer, CancellationToken cancellation)
    {
        char[] all = new char[MaxAnswer];
        int length = await answer.ReadBlockAsync(all, cancellation).ConfigureAwait(false);
        return new(all, 0, length);
    }
}
