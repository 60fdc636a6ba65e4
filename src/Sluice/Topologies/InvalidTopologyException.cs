namespace Sluice.Topologies;

/// <summary>A graph cannot be run. The message names every problem, with the path and the remedy.</summary>
public sealed class InvalidTopologyException : SluiceException
{
    /// <summary>The number of problems in a message. Only for these is it worth to look for remedies that take long.</summary>
    internal const int Shown = 10;

    /// <summary>Creates an exception with one problem.</summary>
    /// <param name="message">The problem, its place and the remedy.</param>
    public InvalidTopologyException(string message) : base(message) => Problems = [message];

    /// <param name="message">The problem, its place and the remedy.</param>
    /// <param name="cause">What code of the user has thrown.</param>
    internal InvalidTopologyException(string message, Exception cause) : base(message, cause) => Problems = [message];

    /// <param name="problems">The problems.</param>
    /// <param name="subject">The graph as the subject of a sentence, such as "The graph 'checkout'"; null if it has no name.</param>
    /// <param name="cause">What code of the user has thrown; null if nothing was thrown.</param>
    internal InvalidTopologyException(IReadOnlyList<string> problems, string? subject = null, Exception? cause = null)
        : base(Describe(problems, subject), cause) => Problems = problems;

    /// <summary>The problems, a few sentences each, most basic first.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <summary>The same problems, with the graph that has them.</summary>
    internal InvalidTopologyException In(string subject) => new(Problems, subject, InnerException);

    private static string Describe(IReadOnlyList<string> problems, string? subject)
    {
        if (problems.Count == 1) return subject is null ? problems[0] : $"{subject} is not valid: {problems[0]}";
        var lines = problems.Take(Shown).Select(problem => $"- {problem}");
        if (problems.Count > Shown) lines = lines.Append($"- and {problems.Count - Shown} more");
        return $"{subject ?? "The graph"} has {problems.Count} problems:\n{string.Join('\n', lines)}";
    }
}
