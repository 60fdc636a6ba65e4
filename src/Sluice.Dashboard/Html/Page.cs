namespace Sluice.Dashboard.Html;

/// <summary>A page: parts that stand one below the other.</summary>
/// <param name="Title">What it is about, for the window and the heading.</param>
/// <param name="Parts">The parts.</param>
internal sealed record Page(string Title, IReadOnlyList<PagePart> Parts)
{
    /// <summary>The pages above this one, and their addresses.</summary>
    public IReadOnlyList<(string Title, string Address)> Above { get; init; } = [];

    /// <summary>The part of the dashboard that it belongs to.</summary>
    public Place Place { get; init; }

    /// <summary>The part that says that the store is silent. Every page has it; it is empty while stores answer.</summary>
    public const string SilenceId = "silence";

    /// <summary>That the store is silent; then the page shows what was seen before, and is loaded again when the store answers.</summary>
    public Markup? Silence { get; init; }

    /// <summary>The part that says why there is no page.</summary>
    public const string ProblemId = "problem";

    /// <summary>Why there is no page; null if there is one. A page that is open shows it above what was seen before.</summary>
    public Markup? Problem => StatusCode == StatusCodes.Status200OK ? null
        : Parts.FirstOrDefault(static part => part.Id == ProblemId)?.Content;

    public int StatusCode { get; init; } = StatusCodes.Status200OK;

    /// <summary>Whether it changes while it is looked at.</summary>
    public bool IsLive => Silence is not null || Parts.Any(static part => part.IsLive);
}

/// <summary>A part of a page.</summary>
/// <param name="Id">Its name on the page: letters and hyphens.</param>
/// <param name="Content">What it shows.</param>
/// <param name="IsLive">Whether it is sent again when it has changed. Parts into which people type are not.</param>
internal sealed record PagePart(string Id, Markup Content, bool IsLive = true);

/// <summary>The parts of the dashboard that each page links to.</summary>
internal enum Place
{
    /// <summary>What is shown on the first page has pages of its own.</summary>
    None,

    /// <summary>The first page.</summary>
    Overview,

    /// <summary>Runs of flows.</summary>
    Flows,

    /// <summary>Streams of stores.</summary>
    Streams,

    /// <summary>What was done on the dashboard.</summary>
    Audit,
}
