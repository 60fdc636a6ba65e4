using Sluice;
using Sluice.Graphs;

namespace Originals.Aiodag;

/// <summary>
/// The original: decorated coroutines are called with the results of others, which makes a graph; every call is scheduled at once, and
/// starts when
/// its arguments are there. The calls take 9 seconds together, which is the length of the longest path.
/// </summary>
internal sealed partial class Etl(VirtualTime time)
{
    [Step]
    private async Task<string> FetchAsync(string someId)
    {
        await time.Sleep(someId switch { "a1" => 1, "a2" => 2, "b1" => 4, "b2" => 0.5, "c1" => 6, _ => 3.5 });
        time.Print($"Fetched {someId}");
        return someId + "x";
    }

    [Step]
    private async Task<string> ConcatenateAsync(string first, string second)
    {
        await time.Sleep(1);
        time.Print($"Concated {(first, second)}");
        return first + second;
    }

    // Not decorated: it becomes a step where it is called.
    private async Task<string> StripNumbersAsync(string text)
    {
        await time.Sleep(1);
        time.Print($"Stripped {text}");
        return string.Concat(text.Where(letter => !char.IsDigit(letter)));
    }

    [Step]
    private async Task UploadAsync(string a, string b, string c)
    {
        await time.Sleep(1);
        time.Print($"Uploaded data: {a} {b} {c}");
    }

    public static async Task RunAsync()
    {
        var time = new VirtualTime();
        await time.RunAsync(() => new Etl(time).BuildAsync());

        Check.Lines("""
            0.5 Fetched b2
            1.0 Fetched a1
            2.0 Fetched a2
            3.0 Concated (a1x, a2x)
            3.5 Fetched c2
            4.0 Fetched b1
            4.0 Stripped a1xa2x
            5.0 Concated (b1x, b2x)
            6.0 Concated (a1xa2x, b1xb2x)
            6.0 Fetched c1
            7.0 Concated (c1x, c2x)
            7.0 Stripped a1xa2xb1xb2x
            8.0 Stripped c1xc2x
            9.0 Uploaded data: axax axaxbxbx cxcx
            """, time.Lines);
    }

    private Task BuildAsync()
    {
        var fa1 = Fetch("a1");
        var fa2 = Fetch("a2");
        var fb1 = Fetch("b1");
        var fb2 = Fetch("b2");
        var fc1 = Fetch("c1");
        var fc2 = Fetch("c2");

        var ca = Concatenate(fa1, fa2);
        var cb = Concatenate(fb1, fb2);
        var cc = Concatenate(fc1, fc2);

        var cab = Concatenate(ca, cb);

        var strip = Step.Of<string, string>(StripNumbersAsync);
        var sa = strip(ca);                              // ca is used twice, and runs once
        var sab = strip(cab);
        var sc = strip(cc);

        _ = Upload(sa, sab, sc);                         // nobody awaits it: it runs all the same
        return Task.CompletedTask;
    }
}
