namespace Sluice.Dashboard.Tests.Load;

/// <summary>A viewer that keeps a page open and reads its events.</summary>
internal sealed class EventStream : IDisposable
{
    private readonly HttpResponseMessage answer;
    private readonly StreamReader reader;

    private EventStream(HttpResponseMessage answer, Stream stream) => (this.answer, reader) = (answer, new(stream));

    public static async Task<EventStream> OpenAsync(Viewer viewer, string page)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, viewer.Address(page));
        request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        HttpResponseMessage answer = await viewer.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead,
            TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        return new(answer, await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Reads until a drawing has been sent: each one begins with a comment.</summary>
    /// <returns>The lines before the comment, which are the rest of the drawing before.</returns>
    public async Task<List<string>> ReadAsync()
    {
        List<string> lines = [];
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line == ": ") return lines;
            lines.Add(line);
        }
        throw new EndOfStreamException("The dashboard has ended a stream of events.");
    }

    public void Dispose()
    {
        reader.Dispose();
        answer.Dispose();
    }
}
