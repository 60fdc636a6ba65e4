namespace Sluice.Dashboard.Pages;

/// <summary>The page instead of one whose store does not answer, or not in time: it says so, and shows what was seen before.</summary>
internal static class SilencePage
{
    /// <param name="request">The request.</param>
    /// <param name="why">What is wrong with the store.</param>
    /// <param name="isSilent">Whether the store does not answer at all. Then the page is loaded again when it does.</param>
    public static Page Draw(PageRequest request, string why, bool isSilent)
    {
        ConsecutorSample? known = request.Name.Length == 0 ? null : request.FindConsecutor();
        DateTimeOffset? at = PageDeadline.StoresOf(request).Select(static one => one.At).Min();
        Markup seen = at is not { } time ? Markup.None : Markup.Of($"What is shown below was seen {Shown.Time(time)}.");
        Markup said = Markup.Of($"""
            <p class="failing">{why} {seen}
            <a href="{Longer(request)}">Wait up to 30 s</a></p>
            """);
        List<PagePart> parts = isSilent ? [] : [new(Page.ProblemId, said, IsLive: false)];
        if (known is not null) parts.Add(new("known", Markup.Of($"""
            <h2>{Tables.Link(request.Address(known), VisibleText.Shorten(known.Title, 100))}</h2>
            {Tables.Show(known.Verdict)}{ConsecutorPage.Figures(request, known)}
            """), IsLive: false));
        return new(isSilent ? "The store does not answer" : "The page takes long", parts)
        {
            StatusCode = StatusCodes.Status503ServiceUnavailable,
            Silence = isSilent ? said : null,
        };
    }

    // The address of the page itself, with the wish to wait.
    private static string Longer(PageRequest request)
    {
        string[] parts = request.Here.Split('?', 2);
        IEnumerable<string> query = parts is [_, var given] ? given.Split('&', StringSplitOptions.RemoveEmptyEntries) : [];
        // An open page may have another wish.
        string[] others = [.. query.Where(static part => !part.StartsWith($"{PageDeadline.Longer}=", StringComparison.Ordinal))];
        return $"{parts[0]}?{string.Join('&', [.. others, $"{PageDeadline.Longer}={PageDeadline.LongerValue}"])}";
    }
}
