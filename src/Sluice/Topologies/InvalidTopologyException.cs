namespace Sluice.Topologies;

/// <summary>A graph cannot be run. The message names every problem, with the path and the remedy.</summary>
public sealed class InvalidTopologyException : SluiceException
{
    /// <summary>Creates an exception with one problem.</summary>
    /// <param name="message">The problem, its place and the remedy.</param>
    public InvalidTopologyException(string message) : base(message) => Problems = [message];

    internal InvalidTopologyException(IReadOnlyList<string> problems) : base(Describe(problems)) => Problems = problems;

    /// <summary>The problems, a few sentences each, most basic first.</summary>
    public IReadOnlyList<string> Problems { get; }

    private static string Describe(IReadOnlyList<string> problems)
    {
        const int Shown = 10;
        if (problems.Count == 1) return problems[0];
        var lines = problems.Take(Shown).Select(problem => $"- {problem}");
        if (problems.Count > Shown) lines = lines.Append($"- and {problems.Count - Shown} more");
        return $"The graph has {problems.Count} problems:\n{string.Join('\n', lines)}";
    }
}
