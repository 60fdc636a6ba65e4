namespace Sluice.Progress.Screen;

/// <summary>
/// Writes texts to the console's own writers by the thread pool, in their order: the thread that has a text may hold the lock of another
/// writer, and so may not wait for these (<see cref="ProgressBoard"/>).
/// </summary>
/// <remarks>
/// Thread-safe. If a writer takes nothing, texts beyond some two megabytes are dropped, and so is what is left when the process ends.
/// </remarks>
internal sealed class DeferredTexts
{
    private const int MaxCharacters = 1_000_000;
    private const int Each = 30;                     // what a text takes in memory beside its characters, in characters

    private readonly Lock gate = new();              // may be taken under any lock: nothing is called while it is held
    private readonly Queue<(TextWriter Writer, string Text)> texts = [];
    private int characters;
    private bool isWriting;

    public void Add(TextWriter writer, string text)
    {
        lock (gate)
        {
            if (text.Length == 0 || characters + text.Length + Each > MaxCharacters) return;
            texts.Enqueue((writer, text));
            characters += text.Length + Each;
            if (isWriting) return;
            isWriting = true;
        }
        _ = WriteAsync();
    }

    // Never throws.
    private async Task WriteAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);        // out of the locks of the caller
        while (Next() is (var writer, var text))
        {
            try
            {
                writer.Write(text);
                writer.Flush();
            }
            catch (Exception)
            {
                // The program's own terminal is gone, too: there is no place for its lines.
            }
        }
    }

    private (TextWriter, string)? Next()
    {
        lock (gate)
        {
            isWriting = texts.TryDequeue(out (TextWriter Writer, string Text) next);
            if (isWriting) characters -= next.Text.Length + Each;
            return isWriting ? next : null;
        }
    }
}
