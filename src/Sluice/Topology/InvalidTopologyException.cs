namespace Sluice;

/// <summary>A graph was described that cannot be run. The message names every problem, by path, and what to do about it.</summary>
public sealed class InvalidTopologyException : SluiceException
{
    /// <summary>Makes the exception of one problem.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    public InvalidTopologyException(string message) : base(message) => Problems = [message];

    internal InvalidTopologyException(IReadOnlyList<string> problems) : base(Describe(problems)) => Problems = problems;

    /// <summary>The problems found, one sentence or a few for each, most basic first.</summary>
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
